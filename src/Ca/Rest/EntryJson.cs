using System.Collections.Immutable;
using MeshCA.Ca.Entries;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Rest;

/// <summary>A registration entry as it is answered.</summary>
internal sealed record EntryJson(
    string Id,
    string SpiffeId,
    string? ParentId,
    ImmutableArray<string> Selectors,
    string? X509SvidTtl,
    string? JwtSvidTtl,
    ImmutableArray<string> DnsNames,
    ImmutableArray<string> FederatesWith,
    string Hint,
    ImmutableSortedDictionary<string, string> Labels,
    string CreatedAt
)
{
    public static EntryJson Of(RegistrationEntry entry) =>
        new(
            entry.Id,
            entry.SpiffeId.ToString(),
            entry.ParentId?.ToString(),
            [.. entry.Selectors.Select(static s => s.ToString())],
            Format(entry.X509SvidTtl),
            Format(entry.JwtSvidTtl),
            [.. entry.DnsNames.Select(static n => n.ToString())],
            [.. entry.FederatesWith.Select(static t => t.Name)],
            entry.Hint,
            entry.Labels,
            Rfc3339.Format(entry.CreatedAt)
        );

    private static string? Format(TimeSpan? ttl) => ttl is { } value ? GoDuration.Format(value) : null;
}
