using MeshCA.Spiffe;

namespace MeshCA.Ca.Entries;

/// <summary>Which entries to list: those that match all that is not null.</summary>
public sealed record EntryFilter
{
    public static readonly EntryFilter All = new();

    public SpiffeId? SpiffeId { get; init; }

    /// <summary>One that is among the entry's selectors.</summary>
    public Selector? Selector { get; init; }

    internal bool Matches(RegistrationEntry entry) =>
        (SpiffeId is not { } id || entry.SpiffeId == id)
        && (Selector is not { } selector || entry.Selectors.Contains(selector));
}
