using System.Formats.Asn1;
using MeshCA.Ca.Issuance.Der;

namespace MeshCA.Ca.Issuance.Lint;

/// <summary>A to-be-signed certificate as its bytes say it is. Strict: what it does not know, it refuses.</summary>
internal ref struct TbsFields
{
    public ReadOnlySpan<byte> SerialNumber;
    public ReadOnlySpan<byte> SignatureAlgorithm;
    public ReadOnlySpan<byte> Issuer;
    public DateTimeOffset NotBefore;
    public DateTimeOffset NotAfter;
    public ReadOnlySpan<byte> Subject;
    public ReadOnlySpan<byte> SubjectPublicKeyInfo;
    public ReadOnlySpan<byte> SubjectKeyIdentifier;
    public ReadOnlySpan<byte> AuthorityKeyIdentifier;
    public ReadOnlySpan<byte> KeyUsage;
    public ReadOnlySpan<byte> ExtendedKeyUsage;
    public ReadOnlySpan<byte> BasicConstraints;
    public ReadOnlySpan<byte> SubjectAlternativeName;

    /// <summary>The extensions that are there, and those that are critical.</summary>
    public Extensions Present;

    public Extensions Critical;

    /// <summary>Throws AsnContentException where the bytes are not a TBSCertificate of version 3 with known extensions.</summary>
    public static TbsFields Read(ReadOnlySpan<byte> der)
    {
        var outer = new DerReader(der);
        var tbs = outer.Sequence();
        outer.RequireEnd();
        if (!tbs.Encoded(DerTag.Context0).SequenceEqual(CertificateDer.Version))
        {
            throw new AsnContentException("the version is not 3");
        }

        var fields = new TbsFields
        {
            SerialNumber = tbs.Integer(),
            SignatureAlgorithm = tbs.Encoded(DerTag.Sequence),
            Issuer = tbs.Encoded(DerTag.Sequence),
        };
        var validity = tbs.Sequence();
        fields.NotBefore = validity.Time();
        fields.NotAfter = validity.Time();
        validity.RequireEnd();
        fields.Subject = tbs.Encoded(DerTag.Sequence);
        fields.SubjectPublicKeyInfo = tbs.Encoded(DerTag.Sequence);
        var tagged = new DerReader(tbs.Content(DerTag.Context3));
        tbs.RequireEnd();
        var extensions = tagged.Sequence();
        tagged.RequireEnd();
        while (!extensions.IsEmpty)
        {
            fields.ReadExtension(extensions.Sequence());
        }

        return fields;
    }

    private void ReadExtension(DerReader extension)
    {
        var oid = extension.Encoded(DerTag.ObjectIdentifier);
        var critical = extension.OptionalTrue();
        var value = extension.Content(DerTag.OctetString);
        extension.RequireEnd();

        var which = Keep(oid, value);
        if (Present.HasFlag(which))
        {
            throw new AsnContentException("an extension is there twice");
        }

        Present |= which;
        Critical |= critical ? which : Extensions.None;
    }

    private Extensions Keep(ReadOnlySpan<byte> oid, ReadOnlySpan<byte> value)
    {
        // 2.5.29.n, RFC 5280 section 4.2.1.
        switch (oid)
        {
            case [DerTag.ObjectIdentifier, 3, 0x55, 0x1D, 14]:
                SubjectKeyIdentifier = value;
                return Extensions.SubjectKeyIdentifier;
            case [DerTag.ObjectIdentifier, 3, 0x55, 0x1D, 15]:
                KeyUsage = value;
                return Extensions.KeyUsage;
            case [DerTag.ObjectIdentifier, 3, 0x55, 0x1D, 17]:
                SubjectAlternativeName = value;
                return Extensions.SubjectAlternativeName;
            case [DerTag.ObjectIdentifier, 3, 0x55, 0x1D, 19]:
                BasicConstraints = value;
                return Extensions.BasicConstraints;
            case [DerTag.ObjectIdentifier, 3, 0x55, 0x1D, 35]:
                AuthorityKeyIdentifier = value;
                return Extensions.AuthorityKeyIdentifier;
            case [DerTag.ObjectIdentifier, 3, 0x55, 0x1D, 37]:
                ExtendedKeyUsage = value;
                return Extensions.ExtendedKeyUsage;
            default:
                throw new AsnContentException("an extension is none of the profile's");
        }
    }
}
