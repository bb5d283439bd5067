using System.Collections.Immutable;

namespace MeshCA.NodeAgent;

/// <summary>What the agent's <c>/readyz</c> says: a status for each component.</summary>
/// <param name="Components">Each with its status.</param>
/// <param name="Ready">False only while the agent can serve nothing at all: it has no identity or was never in sync.</param>
public sealed record AgentReadiness(bool Ready, ImmutableArray<AgentComponent> Components);

/// <summary>One part of the agent and how it is.</summary>
/// <param name="Name"><c>nodeIdentity</c>, <c>server</c> or <c>svids</c>.</param>
/// <param name="Status"><c>ok</c>, <c>degraded</c> or <c>down</c>.</param>
/// <param name="Detail">Why, with the remedy if there is one; null if ok.</param>
public sealed record AgentComponent(string Name, string Status, string? Detail);
