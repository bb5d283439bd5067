namespace MeshCA.NodeAgent;

/// <summary>The token that proves this node once. Exactly one is set. Prints nothing.</summary>
public sealed record JoinTokenOptions
{
    public string? Token { get; init; }

    /// <summary>A file that holds the token; read when it is needed.</summary>
    public string? TokenFile { get; init; }

    public override string ToString() => "...";
}
