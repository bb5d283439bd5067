using MeshCA.Ca.Authorities;

namespace MeshCA.Ca.Rest;

/// <summary>A CA certificate and where its key is. The parent is the root that signed it; null for a root.</summary>
internal sealed record AuthorityJson(
    string Id,
    string Use,
    string? ParentId,
    string State,
    string Signer,
    string SignerKind,
    string IssuedAt,
    string NotAfter
)
{
    public const string X509 = "x509";

    public static AuthorityJson Of(AuthorityRecord authority) =>
        new(
            authority.Id,
            X509,
            authority.ParentId,
            authority.State switch
            {
                AuthorityState.Active => "active",
                AuthorityState.Retiring => "retiring",
                _ => "pruned",
            },
            authority.SignerName,
            authority.SignerKind,
            Rfc3339.Format(authority.IssuedAt),
            Rfc3339.Format(authority.NotAfter)
        );
}
