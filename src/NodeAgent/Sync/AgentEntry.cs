using System.Collections.Immutable;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Sync;

/// <summary>An entry as far as the agent needs it.</summary>
internal sealed record AgentEntry
{
    /// <summary>UUIDv7: the oldest sorts first.</summary>
    public required string Id { get; init; }

    public required SpiffeId SpiffeId { get; init; }

    /// <summary>Sorted, at least one.</summary>
    public required ImmutableArray<Selector> Selectors { get; init; }

    public ImmutableArray<TrustDomain> FederatesWith { get; init; } = [];

    public string Hint { get; init; } = "";

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Grows with each change: an SVID issued for an older one is renewed.</summary>
    public long Revision { get; init; }

    /// <summary>Also when the store was replaced by another, in which the same revision may mean something else.</summary>
    public bool IsSame(AgentEntry other) =>
        Revision == other.Revision
        && SpiffeId == other.SpiffeId
        && Hint == other.Hint
        && CreatedAt == other.CreatedAt
        && Selectors.AsSpan().SequenceEqual(other.Selectors.AsSpan())
        && FederatesWith.AsSpan().SequenceEqual(other.FederatesWith.AsSpan());
}
