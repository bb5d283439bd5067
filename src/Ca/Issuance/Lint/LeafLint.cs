using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text;
using MeshCA.Ca.Authorities;
using MeshCA.Ca.Issuance.Der;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Issuance.Lint;

/// <summary>Reads what is about to be signed as a stranger would, and compares it with what was asked for, rule by rule.</summary>
/// <remarks>It shares no code with the builder but the constants of the tags. RFC 5280 section 4, X509-SVID section 4.</remarks>
internal static class LeafLint
{
    /// <summary>id-kp-serverAuth and id-kp-clientAuth, RFC 5280 section 4.2.1.12.</summary>
    private static ReadOnlySpan<byte> ServerAuth => [0x06, 0x08, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];

    private static ReadOnlySpan<byte> ClientAuth => [0x06, 0x08, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

    /// <summary>Returns the token that lets the bytes be signed. <paramref name="digest"/> is memory for the digest.</summary>
    /// <exception cref="MeshCaException">Internal: a rule that the bytes break.</exception>
    public static LintedTbs Check(
        ReadOnlyMemory<byte> tbs,
        in IssuanceRequest request,
        IssuingAuthority issuer,
        DateTimeOffset issuedAt,
        Memory<byte> digest
    )
    {
        string? error;
        try
        {
            error = Find(TbsFields.Read(tbs.Span), request, issuer, issuedAt);
        }
        catch (AsnContentException e)
        {
            error = e.Message;
        }

        return error is null
            ? LintedTbs.Of(issuer.Signer, issuer.Scheme, tbs, digest)
            : throw new MeshCaException(
                ErrorKind.Internal,
                $"the certificate for {request.SpiffeId} did not pass the linter: {error}"
            );
    }

    private static string? Find(
        TbsFields tbs,
        in IssuanceRequest request,
        IssuingAuthority issuer,
        DateTimeOffset issuedAt
    ) =>
        CheckSerialNumber(tbs.SerialNumber)
        ?? CheckIssuer(tbs, issuer)
        ?? CheckValidity(tbs, request, issuer, issuedAt)
        ?? CheckKey(tbs, request, issuer)
        ?? CheckExtensions(tbs, request)
        ?? CheckNames(tbs.SubjectAlternativeName, request)
        ?? CheckMayBear(request, issuer);

    public static string? CheckSerialNumber(ReadOnlySpan<byte> serial) =>
        serial.Length is < 16 or > 20 || (serial[0] & 0x80) != 0 || serial[0] == 0
            ? "the serial number is not positive with 16 to 20 bytes"
            : null;

    private static string? CheckIssuer(TbsFields tbs, IssuingAuthority issuer) =>
        !tbs.SignatureAlgorithm.SequenceEqual(issuer.SignatureAlgorithm.Span)
            ? "the signature algorithm is not the issuer's"
        : !tbs.Issuer.SequenceEqual(issuer.Subject.Span) ? "the issuer's name is not the issuer's subject"
        : tbs.Subject is not [DerTag.Sequence, 0] ? "the subject is not empty"
        : !IsIdentifierOf(tbs.AuthorityKeyIdentifier, issuer) ? "the authority key identifier is not the issuer's"
        : null;

    public static bool IsIdentifierOf(ReadOnlySpan<byte> extension, IssuingAuthority issuer)
    {
        var outer = new DerReader(extension);
        var sequence = outer.Sequence();
        outer.RequireEnd();
        return sequence.Content(DerTag.KeyIdentifier).SequenceEqual(issuer.KeyIdentifier.Span) && sequence.IsEmpty;
    }

    private static string? CheckValidity(
        TbsFields tbs,
        in IssuanceRequest request,
        IssuingAuthority issuer,
        DateTimeOffset issuedAt
    )
    {
        var due = DateTimeOffset.FromUnixTimeSeconds((issuedAt + request.Ttl).ToUnixTimeSeconds());
        var notAfter = due < issuer.NotAfter ? due : issuer.NotAfter;
        var notBefore = issuedAt.AddMinutes(-2) > issuer.NotBefore ? issuedAt.AddMinutes(-2) : issuer.NotBefore;
        return tbs.NotAfter != notAfter ? $"it ends at {tbs.NotAfter:u}, not at {notAfter:u}"
            : tbs.NotBefore != notBefore ? $"it begins at {tbs.NotBefore:u}, not at {notBefore:u}"
            : tbs.NotAfter <= issuedAt ? "it has ended before it is issued"
            : null;
    }

    private static string? CheckKey(TbsFields tbs, in IssuanceRequest request, IssuingAuthority issuer)
    {
        if (!tbs.SubjectPublicKeyInfo.SequenceEqual(request.Key.SubjectPublicKeyInfo.Span))
        {
            return "the key is not the one that was verified";
        }

        if (tbs.SubjectPublicKeyInfo.SequenceEqual(issuer.Signer.SubjectPublicKeyInfo.Span))
        {
            return "the key is the authority's own";
        }

        var info = new DerReader(tbs.SubjectPublicKeyInfo).Sequence();
        info.Content(DerTag.Sequence);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(info.BitString(), hash);
        return new DerReader(tbs.SubjectKeyIdentifier).Content(DerTag.OctetString).SequenceEqual(hash[..20])
            ? null
            : "the subject key identifier is not the key's";
    }

    private static string? CheckExtensions(TbsFields tbs, in IssuanceRequest request)
    {
        if (tbs.Present != Extensions.Leaf || tbs.Critical != Extensions.LeafCritical)
        {
            return $"it has extensions {tbs.Present}, critical {tbs.Critical}";
        }

        // BIT STRING with its unused bits: digitalSignature is bit 0, keyEncipherment bit 2.
        ReadOnlySpan<byte> usage = request.Key.IsRsa ? [3, 2, 5, 0xA0] : [3, 2, 7, 0x80];
        if (!tbs.KeyUsage.SequenceEqual(usage))
        {
            return "the key usage is not the profile's";
        }

        var purposes = new DerReader(tbs.ExtendedKeyUsage).Sequence();
        if (
            !purposes.Encoded(DerTag.ObjectIdentifier).SequenceEqual(ServerAuth)
            || !purposes.Encoded(DerTag.ObjectIdentifier).SequenceEqual(ClientAuth)
            || !purposes.IsEmpty
        )
        {
            return "the extended key usage is not serverAuth and clientAuth";
        }

        // cA has FALSE as its default, which DER leaves out.
        return tbs.BasicConstraints is [DerTag.Sequence, 0] ? null : "the basic constraints do not say cA FALSE";
    }

    private static string? CheckNames(ReadOnlySpan<byte> extension, in IssuanceRequest request)
    {
        var outer = new DerReader(extension);
        var names = outer.Sequence();
        outer.RequireEnd();
        if (names.NextTag != DerTag.Uri || !Ascii.Equals(names.Content(DerTag.Uri), request.SpiffeId.ToString()))
        {
            return "the first name is not the SPIFFE ID";
        }

        foreach (var name in request.DnsNames)
        {
            if (names.NextTag != DerTag.DnsName || !Ascii.Equals(names.Content(DerTag.DnsName), name))
            {
                return $"the DNS name {name} is missing or not in its place";
            }

            if (!DnsName.TryParse(name, out _))
            {
                return $"'{name}' is not a DNS name";
            }
        }

        return names.IsEmpty ? null : "it has a name that was not asked for";
    }

    /// <summary>The names under /meshca are not for workloads, and no other name is for the server and its agents.</summary>
    private static string? CheckMayBear(in IssuanceRequest request, IssuingAuthority issuer)
    {
        var id = request.SpiffeId;
        if (!id.IsMemberOf(issuer.TrustDomain))
        {
            return $"{id} is not of the issuer's trust domain {issuer.TrustDomain}";
        }

        var allowed = request.Kind switch
        {
            IssuanceKind.Workload => !id.IsReserved && !id.Path.IsEmpty,
            IssuanceKind.Agent => ReservedIds.IsAgent(id) && request.DnsNames.IsEmpty,
            IssuanceKind.Server => ReservedIds.IsServer(id) && request.DnsNames.IsEmpty,
            IssuanceKind.Proof => id.Path is IssuanceRequest.ProofPath && request.DnsNames.IsEmpty,
            _ => false,
        };
        return allowed ? null : $"{id} is not for a certificate of kind {request.Kind}";
    }
}
