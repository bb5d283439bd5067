using System.Collections.Immutable;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Entries;

/// <summary>Gives a SPIFFE ID to every process that has all of the selectors. Immutable, valid by construction of its parts.</summary>
public sealed record RegistrationEntry
{
    /// <summary>UUIDv7, lower-case: the oldest sorts first and is the default.</summary>
    public required string Id { get; init; }

    public required SpiffeId SpiffeId { get; init; }

    /// <summary>The agent that may serve it; null = any agent of the trust domain.</summary>
    public SpiffeId? ParentId { get; init; }

    /// <summary>A set: sorted, no duplicates, at least one.</summary>
    public required ImmutableArray<Selector> Selectors { get; init; }

    /// <summary>Null = the server's default.</summary>
    public TimeSpan? X509SvidTtl { get; init; }

    /// <summary>Null = the server's default.</summary>
    public TimeSpan? JwtSvidTtl { get; init; }

    public ImmutableArray<string> DnsNames { get; init; } = [];

    public ImmutableArray<TrustDomain> FederatesWith { get; init; } = [];

    /// <summary>Tells a workload with several identities what this one is for; at most 1,024 bytes.</summary>
    public string Hint { get; init; } = "";

    /// <summary>What policy selectors match.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The store's revision at its last change; its ETag.</summary>
    public required long Revision { get; init; }

    internal bool IsServedBy(SpiffeId agent) => ParentId is not { } parent || parent == agent;
}
