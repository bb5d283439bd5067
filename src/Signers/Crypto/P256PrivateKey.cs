using System.Security.Cryptography;

namespace MeshCA.Signers.Crypto;

/// <summary>A P-256 private key in libcrypto's memory. Safe for concurrent use: signing changes nothing in it.</summary>
internal sealed unsafe class P256PrivateKey : IDisposable
{
    private readonly EcKeyHandle _key = LibCrypto.NewKey(LibCrypto.P256);
    private readonly int _maxSignature;

    /// <summary>Takes the key over from parameters that hold <c>D</c>, which is overwritten.</summary>
    public P256PrivateKey(ECParameters parameters)
    {
        Span<byte> point = stackalloc byte[P256.PointLength];
        point[0] = 4;
        parameters.Q.X.CopyTo(point[1..]);
        parameters.Q.Y.CopyTo(point[33..]);
        var done = P256.SetPoint(_key, point);
        fixed (byte* scalar = parameters.D)
        {
            done = done && LibCrypto.SetPrivateScalar(_key, scalar, (nuint)parameters.D!.Length) == 1;
        }

        CryptographicOperations.ZeroMemory(parameters.D);
        _maxSignature = LibCrypto.SignatureSize(_key);
        if (!done)
        {
            _key.Dispose();
            LibCrypto.ClearErrors();
            throw new CryptographicException("libcrypto does not take the P-256 key");
        }
    }

    public byte[] Sign(ReadOnlySpan<byte> digest)
    {
        Span<byte> signature = stackalloc byte[_maxSignature];
        uint length;
        fixed (byte* d = digest)
        fixed (byte* s = signature)
        {
            if (LibCrypto.Sign(0, d, digest.Length, s, &length, _key) != 1)
            {
                LibCrypto.ClearErrors();
                throw new CryptographicException("libcrypto could not sign");
            }
        }

        return signature[..(int)length].ToArray();
    }

    public void Dispose() => _key.Dispose();
}
