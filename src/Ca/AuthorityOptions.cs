using MeshCA.Signers;

namespace MeshCA.Ca;

/// <summary>The <c>authority</c> section of server.yaml.</summary>
public sealed record AuthorityOptions
{
    /// <summary>The name of the signer that holds the root key.</summary>
    public required string RootSigner { get; init; }

    /// <summary>True: the root signs leaves. False: a short-lived intermediate whose key is in memory does.</summary>
    public required bool IssuingDirect { get; init; }

    public KeyType KeyType { get; init; } = KeyType.EcP256;

    public TimeSpan RootTtl { get; init; } = TimeSpan.FromDays(365);

    /// <summary>At least three times the longest leaf TTL.</summary>
    public TimeSpan IntermediateTtl { get; init; } = TimeSpan.FromHours(24);
}
