using System.Formats.Asn1;
using System.Numerics;

namespace MeshCA.Spiffe;

/// <summary>Looks at a public key before any arithmetic is done with it: a huge RSA key costs its reader seconds.</summary>
public static class PublicKeyBounds
{
    public const int MinRsaBits = 2048;
    public const int MaxRsaBits = 4096;

    private const string Rsa = "1.2.840.113549.1.1.1";
    private const string Ec = "1.2.840.10045.2.1";

    /// <summary>Says why the key is not to be used, or null. Allowed are RSA of 2048–4096 bits and EC P-256, P-384, P-521.</summary>
    public static string? Check(ReadOnlyMemory<byte> subjectPublicKeyInfo)
    {
        try
        {
            var outer = new AsnReader(subjectPublicKeyInfo, AsnEncodingRules.DER);
            var info = outer.ReadSequence();
            outer.ThrowIfNotEmpty();
            var algorithm = info.ReadSequence();
            var oid = algorithm.ReadObjectIdentifier();
            var key = info.ReadBitString(out _);
            info.ThrowIfNotEmpty();
            return oid switch
            {
                Rsa => CheckRsa(key),
                Ec => CheckCurve(algorithm),
                _ => $"the key's algorithm {oid} is neither RSA nor EC",
            };
        }
        catch (AsnContentException)
        {
            return "the key is not valid DER";
        }
    }

    private static string? CheckRsa(byte[] key)
    {
        var outer = new AsnReader(key, AsnEncodingRules.DER);
        var reader = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        var modulus = reader.ReadIntegerBytes().Span;
        var exponent = reader.ReadIntegerBytes().Span;
        reader.ThrowIfNotEmpty();
        return CheckRsa(modulus, exponent);
    }

    /// <summary>The same for a key in its parts, big-endian, leading zeros allowed.</summary>
    internal static string? CheckRsa(ReadOnlySpan<byte> modulus, ReadOnlySpan<byte> exponent)
    {
        modulus = modulus.TrimStart((byte)0);
        exponent = exponent.TrimStart((byte)0);
        var bits = modulus.IsEmpty ? 0 : (modulus.Length * 8) - BitOperations.LeadingZeroCount((uint)modulus[0]) + 24;
        if (bits is < MinRsaBits or > MaxRsaBits)
        {
            return $"the RSA key has {bits} bits, not {MinRsaBits} to {MaxRsaBits}";
        }

        // Every key in use has 65537; beyond 32 bits verifying becomes as slow as signing.
        return exponent.Length is 0 or > 4 || (exponent[^1] & 1) == 0 || exponent is [1]
            ? "the RSA key's public exponent is not an odd number from 3 to 32 bits"
            : null;
    }

    private static string? CheckCurve(AsnReader algorithm)
    {
        if (!algorithm.HasData || algorithm.PeekTag() != Asn1Tag.ObjectIdentifier)
        {
            return "the EC key does not name its curve";
        }

        return algorithm.ReadObjectIdentifier() switch
        {
            "1.2.840.10045.3.1.7" or "1.3.132.0.34" or "1.3.132.0.35" => null,
            var curve => $"the EC key's curve {curve} is none of P-256, P-384, P-521",
        };
    }
}
