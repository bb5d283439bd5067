using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text;
using MeshCA.Ca.Issuance.Der;
using MeshCA.Ca.Issuance.Lint;
using MeshCA.Signers;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Authorities;

/// <summary>Reads a CA certificate that is about to be signed as a stranger would, rule by rule.</summary>
internal static class CaLint
{
    /// <summary>Returns the token that lets the bytes be signed by <paramref name="signer"/>.</summary>
    /// <exception cref="MeshCaException">Internal: a rule that the bytes break.</exception>
    public static LintedTbs Check(
        ReadOnlyMemory<byte> tbs,
        ISigner signer,
        SignatureScheme scheme,
        ReadOnlyMemory<byte> subjectPublicKeyInfo,
        TrustDomain trustDomain,
        IssuingAuthority? issuer,
        DateTimeOffset now
    )
    {
        string? error;
        try
        {
            error = Find(TbsFields.Read(tbs.Span), subjectPublicKeyInfo.Span, trustDomain, issuer, now);
        }
        catch (AsnContentException e)
        {
            error = e.Message;
        }

        return error is null
            ? LintedTbs.Of(signer, scheme, tbs, new byte[SignatureSchemes.DigestLength(scheme)])
            : throw new MeshCaException(ErrorKind.Internal, $"the CA certificate did not pass the linter: {error}");
    }

    private static string? Find(
        TbsFields tbs,
        ReadOnlySpan<byte> subjectPublicKeyInfo,
        TrustDomain trustDomain,
        IssuingAuthority? issuer,
        DateTimeOffset now
    ) =>
        LeafLint.CheckSerialNumber(tbs.SerialNumber)
        ?? CheckNames(tbs, trustDomain, issuer)
        ?? CheckValidity(tbs, issuer, now)
        ?? CheckKey(tbs, subjectPublicKeyInfo)
        ?? CheckExtensions(tbs, issuer);

    private static string? CheckNames(TbsFields tbs, TrustDomain trustDomain, IssuingAuthority? issuer)
    {
        var issuerName = issuer is null ? tbs.Subject : issuer.Subject.Span;
        if (!tbs.Issuer.SequenceEqual(issuerName))
        {
            return "the issuer's name is not the issuer's subject";
        }

        if (issuer is not null && tbs.Subject.SequenceEqual(tbs.Issuer))
        {
            return "it has its issuer's name";
        }

        if (tbs.Subject is [DerTag.Sequence, 0])
        {
            return "the subject is empty";
        }

        var outer = new DerReader(tbs.SubjectAlternativeName);
        var names = outer.Sequence();
        outer.RequireEnd();
        return
            names.NextTag == DerTag.Uri
            && Ascii.Equals(names.Content(DerTag.Uri), trustDomain.Id.ToString())
            && names.IsEmpty
            ? null
            : "its only URI SAN is not the trust domain's ID";
    }

    private static string? CheckValidity(TbsFields tbs, IssuingAuthority? issuer, DateTimeOffset now) =>
        tbs.NotBefore > now ? "it is not valid yet"
        : tbs.NotAfter <= now ? "it has ended before it is issued"
        : issuer is not null && (tbs.NotAfter > issuer.NotAfter || tbs.NotBefore < issuer.NotBefore)
            ? "it is valid where its issuer is not"
        : null;

    private static string? CheckKey(TbsFields tbs, ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        if (!tbs.SubjectPublicKeyInfo.SequenceEqual(subjectPublicKeyInfo))
        {
            return "the key is not the signer's";
        }

        if (PublicKeyBounds.Check(subjectPublicKeyInfo.ToArray()) is { } error)
        {
            return error;
        }

        var info = new DerReader(tbs.SubjectPublicKeyInfo).Sequence();
        info.Content(DerTag.Sequence);
        return new DerReader(tbs.SubjectKeyIdentifier)
            .Content(DerTag.OctetString)
            .SequenceEqual(SHA256.HashData(info.BitString()).AsSpan(0, 20))
            ? null
            : "the subject key identifier is not the key's";
    }

    private static string? CheckExtensions(TbsFields tbs, IssuingAuthority? issuer)
    {
        var expected = issuer is null ? Extensions.Root : Extensions.Intermediate;
        if (tbs.Present != expected || tbs.Critical != Extensions.AuthorityCritical)
        {
            return $"it has extensions {tbs.Present}, critical {tbs.Critical}";
        }

        if (issuer is not null && !LeafLint.IsIdentifierOf(tbs.AuthorityKeyIdentifier, issuer))
        {
            return "the authority key identifier is not the issuer's";
        }

        // BIT STRING: one unused bit, keyCertSign is bit 5, cRLSign bit 6.
        if (tbs.KeyUsage is not [3, 2, 1, 6])
        {
            return "the key usage is not keyCertSign and cRLSign";
        }

        var outer = new DerReader(tbs.BasicConstraints);
        var constraints = outer.Sequence();
        outer.RequireEnd();
        if (!constraints.OptionalTrue())
        {
            return "the basic constraints do not say cA TRUE";
        }

        // A root may carry any chain, an issuing CA leaves alone.
        var fits = issuer is null ? constraints.IsEmpty : constraints.Integer() is [0] && constraints.IsEmpty;
        return fits ? null : "the path length is not the profile's";
    }
}
