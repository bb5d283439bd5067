using MeshCA.Spiffe;

namespace MeshCA.Ca.AgentApi;

/// <summary>What a stream is to be told next.</summary>
/// <param name="Revision">Of the newest change among them; 0 if it is older than the subscription.</param>
/// <param name="Snapshot">All of it, rather than what is named here.</param>
/// <param name="Entries">Ids of entries that changed or are gone.</param>
/// <param name="Bundles">Trust domains whose bundles changed or are gone.</param>
internal sealed record PendingChanges(
    long Revision,
    bool Snapshot,
    IReadOnlySet<string> Entries,
    IReadOnlySet<TrustDomain> Bundles
);
