using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace MeshCA.Signers.Crypto;

/// <summary>A P-256 public key that verifies many signatures. Safe for concurrent use: verifying changes nothing in it.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The handle frees itself with the last reference to the key.")]
internal sealed class P256PublicKey
{
    private readonly EcKeyHandle? _native;
    private readonly byte[] _point;

    public P256PublicKey(ReadOnlySpan<byte> point, bool native)
    {
        _point = point.ToArray();
        if (native)
        {
            _native = LibCrypto.NewKey(LibCrypto.P256);
            if (!P256.SetPoint(_native, point))
            {
                _native.Dispose();
                throw new CryptographicException("the point is not on the curve P-256");
            }
        }
    }

    public bool Verify(ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature) =>
        _native is null ? P256.VerifyManaged(_point, digest, signature) : P256.Verify(_native, digest, signature);
}
