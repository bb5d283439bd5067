using System.Formats.Asn1;
using MeshCA.Ca.Issuance.Der;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Issuance;

/// <summary>Which keys a leaf may have, beside P-256, looked at before any arithmetic is done with them.</summary>
internal static class KeyRules
{
    /// <summary>SubjectPublicKeyInfo of a P-384 key up to its uncompressed point, RFC 5480 section 2.</summary>
    private static readonly byte[] _p384Prefix = Convert.FromHexString(
        "3076301006072A8648CE3D020106052B8104002203620004"
    );

    /// <summary>Of an RSA key after the outer header: its algorithm, RFC 8017 appendix A.1, with the NULL that it must have.</summary>
    private static readonly byte[] _rsaAlgorithm = Convert.FromHexString("300D06092A864886F70D0101010500");

    /// <summary>Says why the key, DER SubjectPublicKeyInfo, is not to be used, or null.</summary>
    public static string? Check(ReadOnlyMemory<byte> key)
    {
        if (key.Length == _p384Prefix.Length + 96 && key.Span.StartsWith(_p384Prefix))
        {
            return null;
        }

        try
        {
            var reader = new DerReader(key.Span);
            var info = reader.Sequence();
            if (!info.Encoded(DerTag.Sequence).SequenceEqual(_rsaAlgorithm))
            {
                return "its key is none of EC P-256 and P-384, uncompressed, and RSA 2048 to 4096";
            }

            if (PublicKeyBounds.Check(key) is { } error)
            {
                return error;
            }

            var rsa = new DerReader(info.BitString()).Sequence();
            rsa.Integer();
            // Below 65537 are the exponents of the low-exponent attacks; FIPS 186-5 section 5.4 allows none of them.
            return rsa.Integer().TrimStart((byte)0) is { Length: < 3 }
                ? "its RSA key has a public exponent below 65537"
                : null;
        }
        catch (AsnContentException)
        {
            return "its key is not valid DER";
        }
    }
}
