using System.Collections.Immutable;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Node;

/// <summary>What the agent must not lose: its key, its SVID if it has one yet, whom it trusts. Prints nothing.</summary>
internal sealed record NodeState
{
    public required TrustDomain TrustDomain { get; init; }

    /// <summary>PKCS#8; empty until the server has answered.</summary>
    public ReadOnlyMemory<byte> Key { get; init; }

    /// <summary>Leaf first; empty until the server has answered.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> Chain { get; init; } = [];

    public DateTimeOffset IssuedAt { get; init; }

    public TrustBundle? Bundle { get; init; }

    /// <summary>SHA-256 of the join token that was redeemed, lower-case hex: tells a new token from the used one.</summary>
    public string? TokenSha256 { get; init; }

    /// <summary>
    /// A key with which a token is being redeemed: on the disk before the token is used, so that the same key can ask again.
    /// Beside the identity, which may still be good: the clock may just be wrong.
    /// </summary>
    public ReadOnlyMemory<byte> PendingKey { get; init; }

    /// <summary>That token's hash.</summary>
    public string? PendingTokenSha256 { get; init; }

    public override string ToString() => "...";
}
