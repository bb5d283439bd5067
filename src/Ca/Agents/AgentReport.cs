using System.Collections.Immutable;

namespace MeshCA.Ca.Agents;

/// <summary>What an agent says of itself and its Envoys: who holds what decides when a rotation may go on.</summary>
public sealed record AgentReport
{
    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>The last revision that it has applied.</summary>
    public required long Revision { get; init; }

    /// <summary>The sequence number of our own bundle that it serves.</summary>
    public required ulong BundleSequence { get; init; }

    public required int SvidsHeld { get; init; }

    public required int SvidsPending { get; init; }

    /// <summary>A row for each secret that Envoys of the node asked for.</summary>
    public required ImmutableArray<SdsSubscriptionReport> Sds { get; init; }
}
