namespace MeshCA.Ca.Agents;

/// <summary>An agent as it is now.</summary>
/// <param name="Record">What the store keeps, with the newest <see cref="AgentRecord.LastSeen"/>.</param>
/// <param name="Connected">It has a stream open.</param>
/// <param name="Report">Its newest report; null if it has sent none since the server started.</param>
public sealed record AgentStatus(AgentRecord Record, bool Connected, AgentReport? Report);
