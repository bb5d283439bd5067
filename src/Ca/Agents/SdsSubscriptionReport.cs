namespace MeshCA.Ca.Agents;

/// <summary>How the Envoys of one node took one secret.</summary>
/// <param name="Name">As they asked for it.</param>
/// <param name="Streams">How many were sent its current content.</param>
/// <param name="Acked">How many of those accepted it.</param>
/// <param name="Nacked">How many of those refused it.</param>
/// <param name="NackReason">The newest refusal, scrubbed and cut by the agent; empty if none.</param>
public sealed record SdsSubscriptionReport(string Name, int Streams, int Acked, int Nacked, string NackReason);
