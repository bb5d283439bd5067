using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MeshCA.Spiffe;

/// <summary>What an X.509 certificate says, read strictly as DER, without asking a crypto library: some microseconds.</summary>
/// <remarks>RFC 5280 section 4.1. It says nothing of who signed the certificate.</remarks>
public sealed record CertificateFields
{
    public const int MaxLength = 64 * 1024;

    private const int MaxExtensions = 64;
    private const int MaxNames = 1024;

    private static readonly Asn1Tag _dnsName = new(TagClass.ContextSpecific, 2);
    private static readonly Asn1Tag _uri = new(TagClass.ContextSpecific, 6);

    private CertificateFields() { }

    /// <summary>Lower-case hex of the bytes in the certificate.</summary>
    public required string SerialNumber { get; init; }

    public required DateTimeOffset NotBefore { get; init; }

    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>DER of the subject's name.</summary>
    public required ReadOnlyMemory<byte> Subject { get; init; }

    /// <summary>DER of the issuer's name.</summary>
    public required ReadOnlyMemory<byte> Issuer { get; init; }

    public required ReadOnlyMemory<byte> SubjectPublicKeyInfo { get; init; }

    public bool SubjectIsEmpty => Subject.Length == 2;

    public ImmutableArray<string> UriNames { get; private set; } = [];

    public ImmutableArray<string> DnsNames { get; private set; } = [];

    public bool SubjectAlternativeNameIsCritical { get; private set; }

    /// <summary>basicConstraints cA; false where the extension is missing.</summary>
    public bool IsCa { get; private set; }

    /// <summary>Null where the extension is missing.</summary>
    public X509KeyUsageFlags? KeyUsage { get; private set; }

    public bool KeyUsageIsCritical { get; private set; }

    /// <summary>Null where the extension is missing.</summary>
    public ImmutableArray<string>? ExtendedKeyUsages { get; private set; }

    /// <summary>Reads the certificate and its extensions.</summary>
    /// <exception cref="MeshCaException">Malformed: the bytes are not one DER certificate.</exception>
    public static CertificateFields Read(ReadOnlyMemory<byte> der)
    {
        if (der.Length > MaxLength)
        {
            throw new MeshCaException(ErrorKind.Malformed, $"the certificate is larger than {MaxLength} bytes");
        }

        try
        {
            return ReadCertificate(der);
        }
        // ArgumentException: AsnReader's answer to a date that no calendar has.
        catch (Exception e) when (e is AsnContentException or CryptographicException or ArgumentException)
        {
            throw new MeshCaException(ErrorKind.Malformed, "the certificate is not valid DER", e);
        }
    }

    private static CertificateFields ReadCertificate(ReadOnlyMemory<byte> der)
    {
        var outer = new AsnReader(der, AsnEncodingRules.DER);
        var certificate = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        var tbs = certificate.ReadSequence();
        var algorithm = certificate.ReadEncodedValue();
        certificate.ReadBitString(out _);
        certificate.ThrowIfNotEmpty();

        // Version 3: without it there are no extensions, so no SAN.
        var version = tbs.ReadSequence(new Asn1Tag(TagClass.ContextSpecific, 0));
        if (!version.TryReadInt32(out var v) || v != 2)
        {
            throw new MeshCaException(ErrorKind.Malformed, "the certificate is not of version 3");
        }

        version.ThrowIfNotEmpty();
        var serial = tbs.ReadIntegerBytes();
        // RFC 5280 section 4.1.1.2: the two must be the same, else the outer one, which is not signed, could mislead.
        if (!tbs.ReadEncodedValue().Span.SequenceEqual(algorithm.Span))
        {
            throw new MeshCaException(ErrorKind.Malformed, "the certificate names two signature algorithms");
        }

        var issuer = tbs.ReadEncodedValue();
        var validity = tbs.ReadSequence();
        var notBefore = ReadTime(validity);
        var notAfter = ReadTime(validity);
        validity.ThrowIfNotEmpty();
        var subject = tbs.ReadEncodedValue();
        var fields = new CertificateFields
        {
            SerialNumber = Convert.ToHexStringLower(serial.Span),
            NotBefore = notBefore,
            NotAfter = notAfter,
            Issuer = issuer,
            Subject = subject,
            SubjectPublicKeyInfo = tbs.ReadEncodedValue(),
        };
        while (tbs.HasData)
        {
            // issuerUniqueID [1] and subjectUniqueID [2] are relics and pass unread.
            if (tbs.PeekTag().HasSameClassAndValue(new Asn1Tag(TagClass.ContextSpecific, 3)))
            {
                var explicitTag = tbs.ReadSequence(new Asn1Tag(TagClass.ContextSpecific, 3));
                fields.ReadExtensions(explicitTag.ReadSequence());
                explicitTag.ThrowIfNotEmpty();
                tbs.ThrowIfNotEmpty();
            }
            else
            {
                tbs.ReadEncodedValue();
            }
        }

        return fields;
    }

    private static DateTimeOffset ReadTime(AsnReader reader) =>
        reader.PeekTag() == Asn1Tag.UtcTime
            ? reader.ReadUtcTime(twoDigitYearMax: 2049) // RFC 5280 section 4.1.2.5.1
            : reader.ReadGeneralizedTime();

    private void ReadExtensions(AsnReader extensions)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (extensions.HasData)
        {
            var extension = extensions.ReadSequence();
            var oid = extension.ReadObjectIdentifier();
            var critical = extension.PeekTag() == Asn1Tag.Boolean && extension.ReadBoolean();
            var value = extension.ReadOctetString();
            extension.ThrowIfNotEmpty();

            // RFC 5280 section 4.2: at most one of each. Two SANs would let two readers see two identities.
            if (!seen.Add(oid) || seen.Count > MaxExtensions)
            {
                throw new MeshCaException(
                    ErrorKind.Malformed,
                    $"the certificate has extension {oid} twice or more than {MaxExtensions} extensions"
                );
            }

            var reader = new AsnReader(value, AsnEncodingRules.DER);
            switch (oid)
            {
                case "2.5.29.15":
                    KeyUsageIsCritical = critical;
                    KeyUsage = ReadKeyUsage(reader);
                    break;
                case "2.5.29.17":
                    SubjectAlternativeNameIsCritical = critical;
                    ReadNames(reader.ReadSequence());
                    break;
                case "2.5.29.19":
                    var constraints = reader.ReadSequence();
                    IsCa = constraints.HasData && constraints.PeekTag() == Asn1Tag.Boolean && constraints.ReadBoolean();
                    break;
                case "2.5.29.37":
                    ExtendedKeyUsages = ReadOids(reader.ReadSequence());
                    break;
                default:
                    continue;
            }

            reader.ThrowIfNotEmpty();
        }
    }

    private void ReadNames(AsnReader names)
    {
        var uris = ImmutableArray.CreateBuilder<string>();
        var dnsNames = ImmutableArray.CreateBuilder<string>();
        for (var count = 1; names.HasData; count++)
        {
            if (count > MaxNames)
            {
                throw new MeshCaException(ErrorKind.Malformed, $"the certificate has more than {MaxNames} names");
            }

            var tag = names.PeekTag();
            if (tag == _uri)
            {
                uris.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, _uri));
            }
            else if (tag == _dnsName)
            {
                dnsNames.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, _dnsName));
            }
            else
            {
                names.ReadEncodedValue();
            }
        }

        (UriNames, DnsNames) = (uris.DrainToImmutable(), dnsNames.DrainToImmutable());
    }

    /// <summary>The first bit of the BIT STRING is the highest of the first byte, which is also where .NET's flags have it.</summary>
    private static X509KeyUsageFlags ReadKeyUsage(AsnReader reader)
    {
        var bits = reader.ReadBitString(out _);
        var flags = bits.Length > 0 ? bits[0] : 0;
        return (X509KeyUsageFlags)(bits.Length > 1 ? flags | (bits[1] << 8) : flags);
    }

    private static ImmutableArray<string> ReadOids(AsnReader reader)
    {
        var oids = ImmutableArray.CreateBuilder<string>();
        while (reader.HasData && oids.Count <= MaxExtensions)
        {
            oids.Add(reader.ReadObjectIdentifier());
        }

        reader.ThrowIfNotEmpty();
        return oids.DrainToImmutable();
    }
}
