namespace MeshCA.Spiffe;

/// <summary>The SPIFFE IDs that the server and its agents bear. No entry may give one to a workload.</summary>
public static class ReservedIds
{
    private const string AgentPath = "/meshca/agent/";

    public static SpiffeId Server(TrustDomain trustDomain) => SpiffeId.Of(trustDomain, "/meshca/server");

    /// <summary>The ID of an agent: how its node was attested, and what tells it from others of that kind.</summary>
    public static SpiffeId Agent(TrustDomain trustDomain, string kind, string id) =>
        SpiffeId.OfSegments(trustDomain, "meshca", "agent", kind, id);

    public static bool IsServer(SpiffeId id) => id.Path is "/meshca/server";

    public static bool IsAgent(SpiffeId id) => id.Path.StartsWith(AgentPath, StringComparison.Ordinal);
}
