using MeshCA.Ca.Issuance;

namespace MeshCA.Ca.Rest;

/// <summary>A certificate that was issued. The entry is null for an agent's or the server's own.</summary>
internal sealed record IdentityJson(
    string Serial,
    string SpiffeId,
    string NotBefore,
    string NotAfter,
    string IssuedAt,
    string Authority,
    string Agent,
    string? EntryId
)
{
    public static IdentityJson Of(IssuedIdentity identity) =>
        new(
            identity.SerialNumber,
            identity.SpiffeId.ToString(),
            Rfc3339.Format(identity.NotBefore),
            Rfc3339.Format(identity.NotAfter),
            Rfc3339.Format(identity.IssuedAt),
            identity.AuthorityId,
            identity.Agent.ToString(),
            identity.EntryId
        );
}
