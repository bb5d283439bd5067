using System.Collections.Immutable;
using MeshCA.Ca.Agents;
using MeshCA.Ca.Entries;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Store;

/// <summary>What the server keeps in memory, as it was at one revision.</summary>
public sealed record StoredState(
    long Revision,
    ImmutableArray<RegistrationEntry> Entries,
    ImmutableArray<TrustBundle> Bundles,
    ImmutableArray<AgentRecord> Agents
);
