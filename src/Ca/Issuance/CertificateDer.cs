using System.Security.Cryptography;
using MeshCA.Ca.Issuance.Der;

namespace MeshCA.Ca.Issuance;

/// <summary>The constant parts of certificates in DER, and what is common to leaf and CA certificates.</summary>
internal static class CertificateDer
{
    /// <summary>Version 3.</summary>
    public static ReadOnlySpan<byte> Version => [0xA0, 0x03, 0x02, 0x01, 0x02];

    public static ReadOnlySpan<byte> EmptyName => [0x30, 0x00];

    // Object identifiers of extensions, RFC 5280 section 4.2.1.
    public static ReadOnlySpan<byte> SubjectKeyIdentifier => [0x06, 0x03, 0x55, 0x1D, 0x0E];

    public static ReadOnlySpan<byte> KeyUsage => [0x06, 0x03, 0x55, 0x1D, 0x0F];

    public static ReadOnlySpan<byte> SubjectAlternativeName => [0x06, 0x03, 0x55, 0x1D, 0x11];

    public static ReadOnlySpan<byte> BasicConstraints => [0x06, 0x03, 0x55, 0x1D, 0x13];

    public static ReadOnlySpan<byte> AuthorityKeyIdentifier => [0x06, 0x03, 0x55, 0x1D, 0x23];

    public static ReadOnlySpan<byte> ExtendedKeyUsage => [0x06, 0x03, 0x55, 0x1D, 0x25];

    public static ReadOnlySpan<byte> True => [0x01, 0x01, 0xFF];

    public const int KeyIdentifierLength = 20;

    /// <summary>RFC 7093 section 2 method 1: the leftmost 160 bits of SHA-256 of the key's bits.</summary>
    public static void KeyIdentifier(ReadOnlySpan<byte> subjectPublicKeyInfo, Span<byte> identifier)
    {
        var info = new DerReader(subjectPublicKeyInfo).Sequence();
        info.Content(DerTag.Sequence);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(info.BitString(), hash);
        hash[..KeyIdentifierLength].CopyTo(identifier);
    }

    /// <summary>Wraps what was written since <paramref name="mark"/> as the value of an extension.</summary>
    public static void Extension(ref DerWriter writer, ReadOnlySpan<byte> oid, bool critical, int mark)
    {
        writer.Wrap(DerTag.OctetString, mark);
        if (critical)
        {
            writer.Raw(True);
        }

        writer.Raw(oid);
        writer.Wrap(DerTag.Sequence, mark);
    }

    /// <summary>The version, serial number and the rest up to the subject's key, before what is written already.</summary>
    public static void Head(
        ref DerWriter writer,
        SerialNumber serial,
        ReadOnlySpan<byte> algorithm,
        ReadOnlySpan<byte> issuer,
        in Validity validity,
        ReadOnlySpan<byte> subject,
        ReadOnlySpan<byte> subjectPublicKeyInfo
    )
    {
        writer.Raw(subjectPublicKeyInfo);
        writer.Raw(subject);
        var mark = writer.Start;
        writer.Time(validity.NotAfter);
        writer.Time(validity.NotBefore);
        writer.Wrap(DerTag.Sequence, mark);
        writer.Raw(issuer);
        writer.Raw(algorithm);
        Span<byte> number = stackalloc byte[SerialNumber.Length];
        serial.WriteTo(number);
        writer.Value(DerTag.Integer, number);
        writer.Raw(Version);
    }

    /// <summary>The certificate of a TBS and its signature; and where in it the two lie, for a check of the whole.</summary>
    public static byte[] Assemble(
        ReadOnlySpan<byte> tbs,
        ReadOnlySpan<byte> algorithm,
        ReadOnlySpan<byte> signature,
        out Range signed
    )
    {
        var bits = signature.Length + 1;
        var content = tbs.Length + algorithm.Length + HeaderLength(bits) + bits;
        var certificate = new byte[HeaderLength(content) + content];
        var writer = new DerWriter(certificate);
        writer.Raw(signature);
        writer.Byte(0); // no unused bits
        writer.Wrap(DerTag.BitString, certificate.Length);
        writer.Raw(algorithm);
        writer.Raw(tbs);
        signed = writer.Start..(writer.Start + tbs.Length);
        writer.Wrap(DerTag.Sequence, certificate.Length);
        return certificate;
    }

    private static int HeaderLength(int length) =>
        length switch
        {
            < 0x80 => 2,
            <= 0xFF => 3,
            _ => 4,
        };
}
