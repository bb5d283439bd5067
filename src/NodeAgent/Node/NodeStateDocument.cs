using System.Text.Json.Serialization;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Node;

/// <summary>node.json. Prints nothing. (Setters, since the source generator overwrites the defaults of init properties.)</summary>
internal sealed record NodeStateDocument
{
    public const int CurrentVersion = 1;

    public int Version { get; set; } = CurrentVersion;

    public required string TrustDomain { get; set; }

    public byte[] Key { get; set; } = [];

    public byte[][] Chain { get; set; } = [];

    public long IssuedAtMs { get; set; }

    public NodeBundleDocument? Bundle { get; set; }

    public string? TokenSha256 { get; set; }

    public byte[] PendingKey { get; set; } = [];

    public string? PendingTokenSha256 { get; set; }

    public static NodeStateDocument From(NodeState state) =>
        new()
        {
            TrustDomain = state.TrustDomain.Name,
            Key = state.Key.ToArray(),
            Chain = [.. state.Chain.Select(c => c.ToArray())],
            IssuedAtMs = state.IssuedAt.ToUnixTimeMilliseconds(),
            Bundle = state.Bundle is { } bundle ? NodeBundleDocument.From(bundle) : null,
            TokenSha256 = state.TokenSha256,
            PendingKey = state.PendingKey.ToArray(),
            PendingTokenSha256 = state.PendingTokenSha256,
        };

    public NodeState ToState()
    {
        var trustDomain = Spiffe.TrustDomain.Parse(TrustDomain);
        return new()
        {
            TrustDomain = trustDomain,
            Key = Key,
            Chain = [.. Chain.Select(c => new ReadOnlyMemory<byte>(c))],
            IssuedAt = DateTimeOffset.FromUnixTimeMilliseconds(IssuedAtMs),
            Bundle = Bundle?.ToBundle(trustDomain),
            TokenSha256 = TokenSha256,
            PendingKey = PendingKey,
            PendingTokenSha256 = PendingTokenSha256,
        };
    }

    public override string ToString() => "...";
}

internal sealed record NodeBundleDocument
{
    public byte[][] X509Authorities { get; set; } = [];

    public Dictionary<string, byte[]> JwtAuthorities { get; set; } = [];

    public ulong? SequenceNumber { get; set; }

    public long? RefreshHintMs { get; set; }

    public static NodeBundleDocument From(TrustBundle bundle) =>
        new()
        {
            X509Authorities = [.. bundle.X509Authorities.Select(a => a.ToArray())],
            JwtAuthorities = bundle.JwtAuthorities.ToDictionary(
                a => a.KeyId,
                a => a.SubjectPublicKeyInfo.ToArray(),
                StringComparer.Ordinal
            ),
            SequenceNumber = bundle.SequenceNumber,
            RefreshHintMs = (long?)bundle.RefreshHint?.TotalMilliseconds,
        };

    public TrustBundle ToBundle(TrustDomain trustDomain) =>
        new(
            trustDomain,
            [.. X509Authorities.Select(a => new ReadOnlyMemory<byte>(a))],
            [.. JwtAuthorities.Select(a => new JwtAuthority(a.Key, a.Value))],
            SequenceNumber,
            RefreshHintMs is { } ms ? TimeSpan.FromMilliseconds(ms) : null
        );
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow
)]
[JsonSerializable(typeof(NodeStateDocument))]
internal sealed partial class NodeStateJson : JsonSerializerContext;
