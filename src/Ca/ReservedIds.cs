using MeshCA.Spiffe;

namespace MeshCA.Ca;

/// <summary>The SPIFFE IDs that the product keeps for itself.</summary>
public static class ReservedIds
{
    public const string Prefix = "/meshca";

    public const string ServerPath = Prefix + "/server";

    /// <summary>Followed by the kind of attestation and the agent's id.</summary>
    public const string AgentPrefix = Prefix + "/agent/";

    public static bool Contains(SpiffeId id) =>
        id.Path.Equals(Prefix, StringComparison.Ordinal) || id.Path.StartsWith(Prefix + "/", StringComparison.Ordinal);

    public static bool IsAgent(SpiffeId id, TrustDomain trustDomain) =>
        id.TrustDomain == trustDomain && id.Path.StartsWith(AgentPrefix, StringComparison.Ordinal);

    public static SpiffeId Server(TrustDomain trustDomain) => SpiffeId.Parse($"spiffe://{trustDomain}{ServerPath}");

    public static SpiffeId Agent(TrustDomain trustDomain, string kind, string id) =>
        SpiffeId.Parse($"spiffe://{trustDomain}{AgentPrefix}{kind}/{id}");
}
