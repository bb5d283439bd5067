namespace MeshCA.Ca;

/// <summary>One part of the server, how it is, and what is wrong in words for an operator; null if nothing is.</summary>
public sealed record ComponentStatus(string Name, ComponentState State, string? Problem);
