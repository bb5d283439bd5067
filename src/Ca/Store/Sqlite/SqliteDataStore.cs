using MeshCA.Ca.Agents;
using MeshCA.Ca.Authorities;
using MeshCA.Ca.Entries;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Store.Sqlite;

/// <summary>The embedded store: one file, one server.</summary>
internal sealed class SqliteDataStore : IDataStore
{
    private readonly SqliteDatabase _database;
    private readonly Lock _gate = new();
    private volatile Action<StoreChange>? _observers;

    public SqliteDataStore(SqliteDatabase database) => _database = database;

    public string StoreId => _database.StoreId;

    public void Subscribe(Action<StoreChange> observer)
    {
        lock (_gate)
        {
            _observers += observer;
        }
    }

    public Task<StoredState> LoadAsync(CancellationToken ct) =>
        // On the writer's thread: what is read here and what observers are told then cannot overlap.
        _database.WriteAsync(
            session => new StoredState(
                ChangeRows.Revision(session),
                [.. EntryRows.ReadAll(session)],
                [.. BundleRows.ReadAll(session)],
                [.. AgentRows.ReadAll(session)]
            ),
            Durability.Process,
            ct
        );

    public async Task<IReadOnlyCollection<ChangeKey>?> ReadChangesAsync(long revision, CancellationToken ct) =>
        await _database.ReadAsync(session => ChangeRows.ReadAfter(session, revision), ct);

    public async Task<RegistrationEntry> CreateEntryAsync(RegistrationEntry entry, CancellationToken ct)
    {
        var change = await ChangeAsync(session => PutEntry(session, entry), ct);
        return change.Entry!;
    }

    public async Task<RegistrationEntry> UpdateEntryAsync(
        RegistrationEntry entry,
        long? expectedRevision,
        CancellationToken ct
    )
    {
        var change = await ChangeAsync(
            session =>
            {
                RequireEntry(session, entry.Id, expectedRevision);
                return PutEntry(session, entry);
            },
            ct
        );
        return change.Entry!;
    }

    public Task DeleteEntryAsync(string id, long? expectedRevision, CancellationToken ct) =>
        ChangeAsync(
            session =>
            {
                RequireEntry(session, id, expectedRevision);
                EntryRows.Delete(session, id);
                var key = new ChangeKey(ChangeKind.Entry, id);
                return new StoreChange(ChangeRows.Add(session, key), key, Entry: null, Bundle: null);
            },
            ct
        );

    public Task PutBundleAsync(TrustBundle bundle, CancellationToken ct) =>
        ChangeAsync(
            session =>
            {
                var key = new ChangeKey(ChangeKind.Bundle, bundle.TrustDomain.Name);
                var revision = ChangeRows.Add(session, key);
                BundleRows.Put(session, bundle, revision);
                return new StoreChange(revision, key, Entry: null, bundle);
            },
            ct
        );

    public Task DeleteBundleAsync(TrustDomain trustDomain, CancellationToken ct) =>
        ChangeAsync(
            session =>
            {
                if (!BundleRows.Delete(session, trustDomain))
                {
                    throw new MeshCaException(ErrorKind.NotFound, $"there is no bundle of trust domain {trustDomain}");
                }

                var key = new ChangeKey(ChangeKind.Bundle, trustDomain.Name);
                return new StoreChange(ChangeRows.Add(session, key), key, Entry: null, Bundle: null);
            },
            ct
        );

    public Task CreateJoinTokenAsync(
        ReadOnlyMemory<byte> tokenHash,
        DateTimeOffset now,
        DateTimeOffset expiresAt,
        CancellationToken ct
    ) => DoAsync(session => JoinTokenRows.Insert(session, tokenHash.ToArray(), now, expiresAt), Durability.Power, ct);

    public Task<AgentRecord> RedeemJoinTokenAsync(
        ReadOnlyMemory<byte> tokenHash,
        ReadOnlyMemory<byte> keyHash,
        AgentRecord agent,
        CancellationToken ct
    ) =>
        _database.WriteAsync(
            session => JoinTokenRows.Redeem(session, tokenHash.ToArray(), keyHash.ToArray(), agent),
            Durability.Power,
            ct
        );

    public Task UpdateAgentsAsync(IReadOnlyCollection<AgentRecord> agents, CancellationToken ct) =>
        DoAsync(
            session =>
            {
                foreach (var agent in agents)
                {
                    AgentRows.Update(session, agent);
                }
            },
            Durability.Process,
            ct
        );

    public Task SetAgentBannedAsync(string id, bool banned, CancellationToken ct) =>
        DoAsync(session => RequireAgent(AgentRows.SetBanned(session, id, banned), id), Durability.Power, ct);

    public Task DeleteAgentAsync(string id, CancellationToken ct) =>
        DoAsync(session => RequireAgent(AgentRows.Delete(session, id), id), Durability.Power, ct);

    public async Task<IReadOnlyList<AuthorityRecord>> LoadAuthoritiesAsync(CancellationToken ct) =>
        await _database.ReadAsync(AuthorityRows.ReadAll, ct);

    public Task PutAuthoritiesAsync(IReadOnlyCollection<AuthorityRecord> authorities, CancellationToken ct) =>
        DoAsync(
            session =>
            {
                foreach (var authority in authorities)
                {
                    AuthorityRows.Put(session, authority);
                }
            },
            Durability.Power,
            ct
        );

    private static StoreChange PutEntry(SqliteSession session, RegistrationEntry entry)
    {
        if (EntryRows.FindEqual(session, entry) is { } other)
        {
            throw EntryErrors.AlreadyExists(other);
        }

        var key = new ChangeKey(ChangeKind.Entry, entry.Id);
        var stored = entry with { Revision = ChangeRows.Add(session, key) };
        EntryRows.Put(session, stored);
        return new(stored.Revision, key, stored, Bundle: null);
    }

    private static void RequireEntry(SqliteSession session, string id, long? expectedRevision)
    {
        var revision = EntryRows.FindRevision(session, id) ?? throw EntryErrors.NotFound(id);
        if (expectedRevision is { } expected && expected != revision)
        {
            throw EntryErrors.Stale(id, revision, expected);
        }
    }

    private static void RequireAgent(bool found, string id)
    {
        if (!found)
        {
            throw new MeshCaException(ErrorKind.NotFound, $"there is no agent {id}");
        }
    }

    private Task<StoreChange> ChangeAsync(Func<SqliteSession, StoreChange> job, CancellationToken ct)
    {
        var audit = AuditScope.Current;
        return _database.WriteAsync(
            session =>
            {
                var change = job(session);
                audit?.Append(session, change);
                return change;
            },
            Durability.Power,
            change => _observers?.Invoke(change),
            ct
        );
    }

    private Task<bool> DoAsync(Action<SqliteSession> job, Durability durability, CancellationToken ct)
    {
        var audit = AuditScope.Current;
        return _database.WriteAsync(
            session =>
            {
                job(session);
                audit?.Append(session, change: null);
                return true;
            },
            durability,
            ct
        );
    }
}
