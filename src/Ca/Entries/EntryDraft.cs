using System.Collections.Immutable;

namespace MeshCA.Ca.Entries;

/// <summary>A registration entry as a caller wrote it, not yet checked.</summary>
public sealed record EntryDraft
{
    public string SpiffeId { get; init; } = "";

    public IReadOnlyList<string> Selectors { get; init; } = [];

    /// <summary>Null = any agent of the trust domain.</summary>
    public string? ParentId { get; init; }

    /// <summary>Null = the server's default.</summary>
    public TimeSpan? X509SvidTtl { get; init; }

    /// <summary>Null = the server's default.</summary>
    public TimeSpan? JwtSvidTtl { get; init; }

    public IReadOnlyList<string> DnsNames { get; init; } = [];

    public IReadOnlyList<string> FederatesWith { get; init; } = [];

    public string Hint { get; init; } = "";

    public IReadOnlyDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}
