using System.Collections.Immutable;
using MeshCA.Ca.Store;

namespace MeshCA.Ca.Entries;

/// <summary>The registration entries: served from memory, changed through the store. Safe for concurrent use.</summary>
public sealed class EntryRegistry
{
    private readonly IDataStore _store;
    private readonly TimeProvider _time;
    private readonly EntryIds _ids;
    private volatile Action<EntryChange>? _observers;
    private volatile EntryCatalog _catalog = EntryCatalog.Empty;

    public EntryRegistry(IDataStore store, ServerOptions options, TimeProvider time)
    {
        _store = store;
        _time = time;
        _ids = new EntryIds(time);
        Rules = new EntryRules(options);
        store.Subscribe(Apply);
    }

    public EntryRules Rules { get; }

    /// <summary>All entries, as of the newest committed change.</summary>
    internal EntryCatalog Catalog => _catalog;

    /// <summary>NotFound if there is none.</summary>
    public RegistrationEntry Get(string id) => Find(id) ?? throw EntryErrors.NotFound(id);

    public RegistrationEntry? Find(string id) => _catalog.All.GetValueOrDefault(id);

    /// <summary>At most <paramref name="count"/> entries after the one with id <paramref name="after"/> (null = from the start), oldest first.</summary>
    public Page<RegistrationEntry> List(EntryFilter filter, string? after, int count)
    {
        var found = _catalog
            .All.SkipWhile(pair => string.CompareOrdinal(pair.Key, after) <= 0)
            .Select(pair => pair.Value)
            .Where(filter.Matches)
            .Take(count + 1)
            .ToImmutableArray();
        return found.Length > count ? new(found[..count], found[count - 1].Id) : new(found, Next: null);
    }

    /// <summary>Malformed with all errors, or AlreadyExists. A dry run checks and stores nothing.</summary>
    public async Task<RegistrationEntry> CreateAsync(EntryDraft draft, bool dryRun, CancellationToken ct)
    {
        // To the millisecond, as it is stored.
        var now = DateTimeOffset.FromUnixTimeMilliseconds(_time.GetUtcNow().ToUnixTimeMilliseconds());
        var entry = Rules.Apply(draft, _ids.Next(), now);
        if (dryRun)
        {
            RequireUnique(entry);
            return entry;
        }

        return await _store.CreateEntryAsync(entry, ct);
    }

    /// <summary>
    /// Replaces all but the id and the time of creation. NotFound, Malformed, AlreadyExists, or Stale if
    /// <paramref name="expectedRevision"/> is given and the entry has another.
    /// </summary>
    public async Task<RegistrationEntry> UpdateAsync(
        string id,
        EntryDraft draft,
        long? expectedRevision,
        bool dryRun,
        CancellationToken ct
    )
    {
        var before = Get(id);
        var entry = Rules.Apply(draft, id, before.CreatedAt);
        if (dryRun)
        {
            RequireRevision(before, expectedRevision);
            RequireUnique(entry);
            return entry with { Revision = before.Revision };
        }

        return await _store.UpdateEntryAsync(entry, expectedRevision, ct);
    }

    /// <summary>NotFound, or Stale as in <see cref="UpdateAsync"/>.</summary>
    public async Task DeleteAsync(string id, long? expectedRevision, bool dryRun, CancellationToken ct)
    {
        if (dryRun)
        {
            RequireRevision(Get(id), expectedRevision);
            return;
        }

        await _store.DeleteEntryAsync(id, expectedRevision, ct);
    }

    /// <summary>
    /// Calls <paramref name="observer"/> for each change, in commit order, one at a time, once <see cref="Find"/> answers the
    /// new state. It must be quick. For start-up only.
    /// </summary>
    internal void Subscribe(Action<EntryChange> observer) => _observers += observer;

    /// <summary>Before anything is served: what the store holds.</summary>
    internal void Load(StoredState state)
    {
        _catalog = EntryCatalog.Of(state.Revision, state.Entries);
        if (_catalog.All.Count > 0)
        {
            _ids.StartAfter(_catalog.All.Keys.Last());
        }
    }

    /// <summary>Called by the store for one change after the other, so no other thread swaps the catalog.</summary>
    private void Apply(StoreChange change)
    {
        if (change.Key.Kind == ChangeKind.Entry)
        {
            var before = Find(change.Key.Key);
            _catalog = _catalog.With(change.Revision, change.Key.Key, change.Entry);
            _observers?.Invoke(new(change.Revision, change.Key.Key, before, change.Entry));
        }
    }

    private void RequireUnique(RegistrationEntry entry)
    {
        var other = _catalog.All.Values.FirstOrDefault(other =>
            other.Id != entry.Id
            && other.SpiffeId == entry.SpiffeId
            && other.ParentId == entry.ParentId
            && other.Selectors.AsSpan().SequenceEqual(entry.Selectors.AsSpan())
        );
        if (other is not null)
        {
            throw EntryErrors.AlreadyExists(other.Id);
        }
    }

    private static void RequireRevision(RegistrationEntry entry, long? expectedRevision)
    {
        if (expectedRevision is { } expected && expected != entry.Revision)
        {
            throw EntryErrors.Stale(entry.Id, entry.Revision, expected);
        }
    }
}
