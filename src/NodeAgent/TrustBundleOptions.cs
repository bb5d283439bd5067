namespace MeshCA.NodeAgent;

/// <summary>Where the agent learns which server to trust, before it holds a bundle of its own. Exactly one is set.</summary>
public sealed record TrustBundleOptions
{
    /// <summary>A PEM file or a SPIFFE bundle document.</summary>
    public string? File { get; init; }

    /// <summary>An https address that serves either; the answer is as good as that connection.</summary>
    public Uri? Url { get; init; }

    /// <summary>True: trust the first server that answers. For trials only.</summary>
    public bool InsecureBootstrap { get; init; }
}
