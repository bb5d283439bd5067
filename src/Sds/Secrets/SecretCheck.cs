using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MeshCA.Spiffe;

namespace MeshCA.Sds.Secrets;

/// <summary>Says what is wrong with a secret, or null. Asked before anything is sent.</summary>
/// <remarks>
/// An Envoy that cannot decode a secret prints the whole message, private key included, into its log and its answer;
/// and one that takes a leaf with two URI SANs, or an empty validation context, lets the wrong peers in.
/// </remarks>
internal static class SecretCheck
{
    private static readonly Asn1Tag _uriName = new(TagClass.ContextSpecific, 6);

    public static string? Identity(TlsIdentity identity)
    {
        try
        {
            var chain = Certificates(identity.CertificateChainPem.Span);
            if (chain.Count == 0)
            {
                return "the chain holds no certificate";
            }

            foreach (var issuer in chain.Skip(1))
            {
                using var _ = X509CertificateLoader.LoadCertificate(issuer);
            }

            using var leaf = X509CertificateLoader.LoadCertificate(chain[0]);
            return Leaf(leaf, identity.SpiffeId) ?? Key(leaf, identity.PrivateKeyPem.Span);
        }
        catch (Exception e)
            when (e is CryptographicException or FormatException or ArgumentException or AsnContentException)
        {
            return "the chain or the key cannot be decoded";
        }
    }

    public static string? Bundle(TrustBundle bundle)
    {
        if (bundle.X509Authorities.IsEmpty)
        {
            return "the bundle holds no root certificate";
        }

        try
        {
            foreach (var root in bundle.X509Authorities)
            {
                using var _ = X509CertificateLoader.LoadCertificate(root.Span);
            }

            return null;
        }
        catch (CryptographicException)
        {
            return "a root certificate of the bundle cannot be decoded";
        }
    }

    private static string? Leaf(X509Certificate2 leaf, SpiffeId id)
    {
        if (leaf.Extensions.OfType<X509BasicConstraintsExtension>().Any(e => e.CertificateAuthority))
        {
            return "the first certificate of the chain is a CA's";
        }

        var uris = UriNames(leaf);
        return uris switch
        {
            [var only] when only == id.ToString() => null,
            [_] => "the leaf's URI SAN is another SPIFFE ID",
            _ => $"the leaf has {uris.Count} URI SANs, not one",
        };
    }

    private static string? Key(X509Certificate2 leaf, ReadOnlySpan<byte> pem)
    {
        var text = new char[Encoding.UTF8.GetCharCount(pem)];
        try
        {
            Encoding.UTF8.GetChars(pem, text);
            using AsymmetricAlgorithm key =
                leaf.PublicKey.Oid.Value == "1.2.840.113549.1.1.1" ? RSA.Create() : ECDsa.Create();
            key.ImportFromPem(text);
            return key.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(leaf.PublicKey.ExportSubjectPublicKeyInfo())
                ? null
                : "the private key is not the leaf's";
        }
        finally
        {
            Array.Clear(text);
        }
    }

    private static List<string> UriNames(X509Certificate2 leaf)
    {
        var names = new List<string>();
        foreach (var extension in leaf.Extensions.Where(e => e.Oid?.Value == "2.5.29.17"))
        {
            var sequence = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
            while (sequence.HasData)
            {
                if (sequence.PeekTag().HasSameClassAndValue(_uriName))
                {
                    names.Add(sequence.ReadCharacterString(UniversalTagNumber.IA5String, _uriName));
                }
                else
                {
                    sequence.ReadEncodedValue();
                }
            }
        }

        return names;
    }

    [SuppressMessage("Design", "MA0016", Justification = "private")]
    private static List<byte[]> Certificates(ReadOnlySpan<byte> pem)
    {
        var certificates = new List<byte[]>();
        ReadOnlySpan<char> rest = Encoding.UTF8.GetString(pem);
        while (PemEncoding.TryFind(rest, out var fields))
        {
            if (!rest[fields.Label].SequenceEqual("CERTIFICATE"))
            {
                throw new FormatException("not a certificate");
            }

            certificates.Add(Convert.FromBase64String(rest[fields.Base64Data].ToString()));
            rest = rest[fields.Location.End..];
        }

        return rest.IsWhiteSpace() ? certificates : throw new FormatException("bytes after the last certificate");
    }
}
