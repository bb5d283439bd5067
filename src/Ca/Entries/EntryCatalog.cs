using System.Collections.Immutable;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Entries;

/// <summary>All entries as of one revision. Immutable; a change costs O(log n).</summary>
internal sealed class EntryCatalog
{
    public static readonly EntryCatalog Empty = new(
        0,
        ImmutableSortedDictionary.Create<string, RegistrationEntry>(StringComparer.Ordinal),
        ImmutableDictionary<SpiffeId, ImmutableSortedDictionary<string, RegistrationEntry>>.Empty
    );

    /// <summary>By parent; those for any agent under the default value.</summary>
    private readonly ImmutableDictionary<SpiffeId, ImmutableSortedDictionary<string, RegistrationEntry>> _byParent;

    private EntryCatalog(
        long revision,
        ImmutableSortedDictionary<string, RegistrationEntry> all,
        ImmutableDictionary<SpiffeId, ImmutableSortedDictionary<string, RegistrationEntry>> byParent
    ) => (Revision, All, _byParent) = (revision, all, byParent);

    public long Revision { get; }

    /// <summary>By id: the oldest first.</summary>
    public ImmutableSortedDictionary<string, RegistrationEntry> All { get; }

    public static EntryCatalog Of(long revision, IReadOnlyCollection<RegistrationEntry> entries) =>
        new(
            revision,
            Sorted(entries),
            entries.GroupBy(entry => entry.ParentId ?? default).ToImmutableDictionary(group => group.Key, Sorted)
        );

    /// <summary>The catalog after a change; <paramref name="entry"/> is null if the entry is gone.</summary>
    public EntryCatalog With(long revision, string id, RegistrationEntry? entry)
    {
        var (all, byParent) = (All, _byParent);
        if (all.TryGetValue(id, out var before))
        {
            all = all.Remove(id);
            var parent = before.ParentId ?? default;
            var siblings = byParent[parent].Remove(id);
            byParent = siblings.IsEmpty ? byParent.Remove(parent) : byParent.SetItem(parent, siblings);
        }

        if (entry is not null)
        {
            all = all.Add(id, entry);
            var parent = entry.ParentId ?? default;
            byParent = byParent.SetItem(parent, byParent.GetValueOrDefault(parent, Empty.All).Add(id, entry));
        }

        return new(revision, all, byParent);
    }

    /// <summary>The entries that <paramref name="agent"/> may serve.</summary>
    public IEnumerable<RegistrationEntry> ServedBy(SpiffeId agent) =>
        _byParent
            .GetValueOrDefault(default(SpiffeId), Empty.All)
            .Values.Concat(_byParent.GetValueOrDefault(agent, Empty.All).Values);

    private static ImmutableSortedDictionary<string, RegistrationEntry> Sorted(
        IEnumerable<RegistrationEntry> entries
    ) => entries.ToImmutableSortedDictionary(entry => entry.Id, entry => entry, StringComparer.Ordinal);
}
