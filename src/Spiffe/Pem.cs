using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text;

namespace MeshCA.Spiffe;

/// <summary>PEM of certificates and keys (RFC 7468). Reading is bounded and takes nothing but whole blocks.</summary>
public static class Pem
{
    public const int MaxLength = 4 * 1024 * 1024;
    public const int MaxBlocks = 1024;

    private const string Certificate = "CERTIFICATE";

    /// <summary>One CERTIFICATE block for each, in their order, each ended by a newline.</summary>
    public static string EncodeCertificates(IEnumerable<ReadOnlyMemory<byte>> certificates)
    {
        var text = new StringBuilder();
        foreach (var certificate in certificates)
        {
            text.Append(PemEncoding.Write(Certificate, certificate.Span)).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>A PRIVATE KEY block. The caller takes care of the text as of the key.</summary>
    public static string EncodePrivateKey(ReadOnlyMemory<byte> pkcs8) =>
        PemEncoding.WriteString("PRIVATE KEY", pkcs8.Span) + "\n";

    /// <summary>The DER of each certificate. Between the blocks there may be white space and nothing else.</summary>
    /// <exception cref="MeshCaException">Malformed: the text is not that.</exception>
    public static ImmutableArray<ReadOnlyMemory<byte>> DecodeCertificates(ReadOnlySpan<char> pem)
    {
        if (pem.Length > MaxLength)
        {
            throw Malformed($"is longer than {MaxLength} characters");
        }

        var certificates = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        while (PemEncoding.TryFind(pem, out var block))
        {
            var (start, _) = block.Location.GetOffsetAndLength(pem.Length);
            var label = pem[block.Label];
            if (!pem[..start].IsWhiteSpace())
            {
                throw Malformed("has text outside of its blocks");
            }

            if (label is not Certificate)
            {
                throw Malformed($"has a block '{ErrorText.Cut(label)}' where only certificates belong");
            }

            if (certificates.Count == MaxBlocks)
            {
                throw Malformed($"has more than {MaxBlocks} certificates");
            }

            var der = new byte[block.DecodedDataLength];
            if (!Convert.TryFromBase64Chars(pem[block.Base64Data], der, out var written) || written != der.Length)
            {
                throw Malformed("has a block that is not base64");
            }

            if (!IsOneSequence(der))
            {
                throw Malformed($"has a block, number {certificates.Count + 1}, that is not one DER certificate");
            }

            certificates.Add(der);
            pem = pem[block.Location.End.GetOffset(pem.Length)..];
        }

        if (!pem.IsWhiteSpace())
        {
            throw Malformed("has text outside of its blocks");
        }

        return certificates.Count > 0 ? certificates.DrainToImmutable() : throw Malformed("has no certificate");
    }

    /// <summary>True if the bytes are one DER SEQUENCE and not a byte more.</summary>
    internal static bool IsOneSequence(ReadOnlySpan<byte> der) =>
        AsnDecoder.TryReadEncodedValue(der, AsnEncodingRules.DER, out var tag, out _, out _, out var consumed)
        && tag == Asn1Tag.Sequence
        && consumed == der.Length;

    private static MeshCaException Malformed(string what) => new(ErrorKind.Malformed, $"the PEM text {what}");
}
