namespace MeshCA.Sds;

/// <summary>The <c>sds</c> section of agent.yaml; same meanings and defaults as SPIRE's agent.</summary>
public sealed record SdsOptions
{
    /// <summary>The own bundle with the peers that policy allows; the other bundles' names carry no such list.</summary>
    /// <remarks>
    /// Envoy accepts a peer that either its bootstrap's list or ours allows, so that a list of ours under a name that a
    /// bootstrap restricts would open it.
    /// </remarks>
    public const string InboundBundleName = "meshca:inbound";

    /// <summary>The name that stands for the first identity.</summary>
    public string SvidName { get; init; } = "default";

    /// <summary>The name that stands for the own trust domain's bundle.</summary>
    public string BundleName { get; init; } = "ROOTCA";

    /// <summary>The name that stands for the own and all federated bundles in one validator.</summary>
    public string AllBundlesName { get; init; } = "ALL";

    /// <summary>True: plain trusted_ca instead of the SPIFFE validator. A node may override it in its metadata.</summary>
    public bool DisableSpiffeCertValidation { get; init; }
}
