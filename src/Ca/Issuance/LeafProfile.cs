using MeshCA.Ca.Authorities;
using MeshCA.Ca.Issuance.Der;

namespace MeshCA.Ca.Issuance;

/// <summary>Builds the to-be-signed part of an X509-SVID. The one profile that leaves have.</summary>
/// <remarks>RFC 5280 section 4.1.2, X509-SVID section 4 and appendix A. It allocates nothing.</remarks>
internal static class LeafProfile
{
    /// <summary>KeyUsage, BasicConstraints (cA FALSE: an empty sequence) and ExtendedKeyUsage, which are the same for all leaves with EC keys.</summary>
    private static readonly byte[] _ecUsages = Convert.FromHexString(
        "300E0603551D0F0101FF040403020780" // digitalSignature, critical
            + "301D0603551D250416301406082B0601050507030106082B06010505070302" // serverAuth, clientAuth
            + "300C0603551D130101FF04023000"
    );

    /// <summary>The same for RSA keys.</summary>
    private static readonly byte[] _rsaUsages = Convert.FromHexString(
        "300E0603551D0F0101FF0404030205A0" // digitalSignature, keyEncipherment, critical
            + "301D0603551D250416301406082B0601050507030106082B06010505070302"
            + "300C0603551D130101FF04023000"
    );

    /// <summary>Enough for what <see cref="Write"/> writes.</summary>
    public static int MaxLength(in IssuanceRequest request, IssuingAuthority issuer)
    {
        // 320: headers, serial number, dates, usages, key identifiers; 8 for each name's header.
        var length =
            320
            + request.Key.SubjectPublicKeyInfo.Length
            + issuer.Subject.Length
            + 8
            + request.SpiffeId.ToString().Length;
        foreach (var name in request.DnsNames)
        {
            length += 8 + name.Length;
        }

        return length;
    }

    /// <summary>Writes the TBSCertificate at the end of the buffer and returns where it begins.</summary>
    public static int Write(
        Span<byte> buffer,
        in IssuanceRequest request,
        IssuingAuthority issuer,
        SerialNumber serial,
        in Validity validity
    )
    {
        var writer = new DerWriter(buffer);
        var end = writer.Start;

        // The subject is empty, so the SAN must be critical (RFC 5280 section 4.2.1.6).
        for (var i = request.DnsNames.Length - 1; i >= 0; i--)
        {
            var mark = writer.Start;
            writer.Text(request.DnsNames[i]);
            writer.Wrap(DerTag.DnsName, mark);
        }

        var uri = writer.Start;
        writer.Text(request.SpiffeId.ToString());
        writer.Wrap(DerTag.Uri, uri);
        writer.Wrap(DerTag.Sequence, end);
        CertificateDer.Extension(ref writer, CertificateDer.SubjectAlternativeName, critical: true, end);

        var aki = writer.Start;
        writer.Value(DerTag.KeyIdentifier, issuer.KeyIdentifier.Span);
        writer.Wrap(DerTag.Sequence, aki);
        CertificateDer.Extension(ref writer, CertificateDer.AuthorityKeyIdentifier, critical: false, aki);

        Span<byte> identifier = stackalloc byte[CertificateDer.KeyIdentifierLength];
        CertificateDer.KeyIdentifier(request.Key.SubjectPublicKeyInfo.Span, identifier);
        var ski = writer.Start;
        writer.Value(DerTag.OctetString, identifier);
        CertificateDer.Extension(ref writer, CertificateDer.SubjectKeyIdentifier, critical: false, ski);

        writer.Raw(request.Key.IsRsa ? _rsaUsages : _ecUsages);
        writer.Wrap(DerTag.Sequence, end);
        writer.Wrap(DerTag.Context3, end);
        CertificateDer.Head(
            ref writer,
            serial,
            issuer.SignatureAlgorithm.Span,
            issuer.Subject.Span,
            validity,
            CertificateDer.EmptyName,
            request.Key.SubjectPublicKeyInfo.Span
        );
        writer.Wrap(DerTag.Sequence, end);
        return writer.Start;
    }
}
