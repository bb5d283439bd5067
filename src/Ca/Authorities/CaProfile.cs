using System.Text;
using MeshCA.Ca.Issuance;
using MeshCA.Ca.Issuance.Der;
using MeshCA.Signers;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Authorities;

/// <summary>Builds the to-be-signed part of a CA certificate: the trust domain's root, or an issuing CA below it.</summary>
/// <remarks>RFC 5280 section 4.2.1, X509-SVID sections 2 and 4: a signing certificate bears the trust domain's ID.</remarks>
internal static class CaProfile
{
    /// <summary>keyCertSign and cRLSign, bits 5 and 6.</summary>
    private static ReadOnlySpan<byte> SignerUsage => [DerTag.BitString, 2, 1, 0x06];

    /// <summary>cA TRUE.</summary>
    private static ReadOnlySpan<byte> Root => [DerTag.Sequence, 3, DerTag.Boolean, 1, 0xFF];

    /// <summary>cA TRUE, pathLenConstraint 0.</summary>
    private static ReadOnlySpan<byte> Issuing => [DerTag.Sequence, 6, DerTag.Boolean, 1, 0xFF, DerTag.Integer, 1, 0];

    /// <summary>RFC 5280 appendix A.1: ub-organization-name and ub-common-name.</summary>
    private const int MaxNameLength = 64;

    /// <summary>Organization and common name. The key's id makes it the name of one authority alone, in chains of any age.</summary>
    public static byte[] Name(TrustDomain trustDomain, bool isRoot, ReadOnlySpan<byte> keyIdentifier)
    {
        var buffer = new byte[256];
        var writer = new DerWriter(buffer);
        var role = isRoot ? "root" : "issuing";
        Attribute(ref writer, 3, $"MeshCA {role} {Convert.ToHexStringLower(keyIdentifier[..4])}"); // commonName
        Attribute(ref writer, 10, trustDomain.Name.Length <= MaxNameLength ? trustDomain.Name : trustDomain.Name[..64]); // organizationName
        writer.Wrap(DerTag.Sequence, buffer.Length);
        return writer.Written.ToArray();
    }

    /// <summary>The TBSCertificate. Self-signed if <paramref name="issuer"/> is null.</summary>
    public static byte[] Write(
        ReadOnlySpan<byte> subjectPublicKeyInfo,
        TrustDomain trustDomain,
        IssuingAuthority? issuer,
        SignatureScheme scheme,
        SerialNumber serial,
        in Validity validity
    )
    {
        var buffer = new byte[2048];
        var writer = new DerWriter(buffer);
        var end = writer.Start;
        Span<byte> identifier = stackalloc byte[CertificateDer.KeyIdentifierLength];
        CertificateDer.KeyIdentifier(subjectPublicKeyInfo, identifier);
        var name = Name(trustDomain, issuer is null, identifier);

        writer.Text(trustDomain.Id.ToString());
        writer.Wrap(DerTag.Uri, end);
        writer.Wrap(DerTag.Sequence, end);
        CertificateDer.Extension(ref writer, CertificateDer.SubjectAlternativeName, critical: false, end);
        if (issuer is not null)
        {
            var aki = writer.Start;
            writer.Value(DerTag.KeyIdentifier, issuer.KeyIdentifier.Span);
            writer.Wrap(DerTag.Sequence, aki);
            CertificateDer.Extension(ref writer, CertificateDer.AuthorityKeyIdentifier, critical: false, aki);
        }

        var mark = writer.Start;
        writer.Value(DerTag.OctetString, identifier);
        CertificateDer.Extension(ref writer, CertificateDer.SubjectKeyIdentifier, critical: false, mark);
        mark = writer.Start;
        writer.Raw(SignerUsage);
        CertificateDer.Extension(ref writer, CertificateDer.KeyUsage, critical: true, mark);
        mark = writer.Start;
        writer.Raw(issuer is null ? Root : Issuing);
        CertificateDer.Extension(ref writer, CertificateDer.BasicConstraints, critical: true, mark);
        writer.Wrap(DerTag.Sequence, end);
        writer.Wrap(DerTag.Context3, end);
        CertificateDer.Head(
            ref writer,
            serial,
            SignatureSchemes.AlgorithmIdentifier(scheme).Span,
            issuer is null ? name : issuer.Subject.Span,
            validity,
            name,
            subjectPublicKeyInfo
        );
        writer.Wrap(DerTag.Sequence, end);
        return writer.Written.ToArray();
    }

    /// <summary>An attribute of id-at, 2.5.4.n.</summary>
    private static void Attribute(ref DerWriter writer, byte type, string value)
    {
        var mark = writer.Start;
        writer.Value(DerTag.Utf8String, Encoding.ASCII.GetBytes(value));
        writer.Raw([DerTag.ObjectIdentifier, 3, 0x55, 0x04, type]);
        writer.Wrap(DerTag.Sequence, mark);
        writer.Wrap(DerTag.Set, mark);
    }
}
