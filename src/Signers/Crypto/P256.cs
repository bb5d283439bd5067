using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace MeshCA.Signers.Crypto;

/// <summary>ECDSA on P-256: by libcrypto directly where .NET uses that too, else by .NET. Both give the same answers.</summary>
/// <remarks>Measured on OpenSSL 3.0: 0.91 of the limit instead of 0.35 for a certificate from a CSR.</remarks>
public static unsafe class P256
{
    /// <summary>0x04, x, y.</summary>
    public const int PointLength = 65;

    internal const int ScalarLength = 32;

    private const byte Uncompressed = 4;

    /// <summary>Takes one public key after the other: making a key costs more than setting its point.</summary>
    [ThreadStatic]
    private static EcKeyHandle? _scratch;

    /// <summary>Whether libcrypto does the work.</summary>
    public static bool IsNative { get; } = CanUseLibCrypto();

    /// <summary>True if <paramref name="signature"/>, in DER, is the key's for the digest. False for a point that is no key.</summary>
    public static bool Verify(ReadOnlySpan<byte> point, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature) =>
        IsNative ? VerifyNative(point, digest, signature) : VerifyManaged(point, digest, signature);

    internal static bool VerifyNative(ReadOnlySpan<byte> point, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature)
    {
        _scratch ??= LibCrypto.NewKey(LibCrypto.P256);
        return SetPoint(_scratch, point) && Verify(_scratch, digest, signature);
    }

    internal static bool VerifyManaged(
        ReadOnlySpan<byte> point,
        ReadOnlySpan<byte> digest,
        ReadOnlySpan<byte> signature
    )
    {
        if (!IsUncompressed(point))
        {
            return false;
        }

        try
        {
            using var key = ECDsa.Create(ToParameters(point));
            return key.VerifyHash(digest, signature, DSASignatureFormat.Rfc3279DerSequence);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>False, and the handle holds no usable key, if the point is not on the curve or not uncompressed.</summary>
    internal static bool SetPoint(EcKeyHandle key, ReadOnlySpan<byte> point)
    {
        if (!IsUncompressed(point))
        {
            return false;
        }

        fixed (byte* p = point)
        {
            if (LibCrypto.SetPublicPoint(key, p, (nuint)point.Length, 0) == 1)
            {
                return true;
            }
        }

        LibCrypto.ClearErrors();
        return false;
    }

    internal static bool Verify(EcKeyHandle key, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature)
    {
        if (signature.IsEmpty)
        {
            return false;
        }

        fixed (byte* d = digest)
        fixed (byte* s = signature)
        {
            if (LibCrypto.Verify(0, d, digest.Length, s, signature.Length, key) == 1)
            {
                return true;
            }
        }

        LibCrypto.ClearErrors();
        return false;
    }

    internal static ECParameters ToParameters(ReadOnlySpan<byte> point) =>
        new()
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new() { X = point[1..33].ToArray(), Y = point[33..].ToArray() },
        };

    private static bool IsUncompressed(ReadOnlySpan<byte> point) =>
        point.Length == PointLength && point[0] == Uncompressed;

    private static bool CanUseLibCrypto()
    {
        try
        {
            // Another major version has another libcrypto, and this one may not be what .NET was told to use.
            return SafeEvpPKeyHandle.OpenSslVersion >> 28 == 3 && NativeLibrary.TryLoad(LibCrypto.Library, out _);
        }
        catch (Exception e)
            when (e is PlatformNotSupportedException or DllNotFoundException or TypeInitializationException)
        {
            return false;
        }
    }
}
