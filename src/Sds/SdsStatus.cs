using System.Collections.Immutable;

namespace MeshCA.Sds;

/// <summary>How far the clients of the agent's secret server have taken over what it serves now.</summary>
/// <param name="Subscriptions">One for each secret name that a stream asks for and that has content.</param>
public sealed record SdsStatus(ImmutableArray<SdsSubscription> Subscriptions);

/// <summary>All streams that ask for one secret name.</summary>
/// <param name="Name">As asked for.</param>
/// <param name="Streams">How many ask for it.</param>
/// <param name="Acked">How many of those have accepted the present content.</param>
/// <param name="Nacked">How many have refused it.</param>
/// <param name="NackReason">The newest refusal of it, scrubbed and cut; empty if none.</param>
public sealed record SdsSubscription(string Name, int Streams, int Acked, int Nacked, string NackReason);
