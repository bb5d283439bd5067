using MeshCA.Ca.Agents;
using MeshCA.Ca.Authorities;
using MeshCA.Ca.Entries;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Store;

/// <summary>Keeps entries, bundles, agents and join tokens, and numbers what changes.</summary>
/// <remarks>
/// A task that completes is a write that survives a power loss, unless the method says otherwise. A failure of the
/// store itself is a <see cref="MeshCaException"/> of kind <see cref="ErrorKind.Unavailable"/>: the write did not happen.
/// </remarks>
public interface IDataStore
{
    /// <summary>Random, made once with the store.</summary>
    string StoreId { get; }

    /// <summary>
    /// Calls <paramref name="observer"/> for each committed change, in commit order, one at a time, before the task of the
    /// write completes. It must be quick and must not throw. Subscribe before <see cref="LoadAsync"/>.
    /// </summary>
    void Subscribe(Action<StoreChange> observer);

    /// <summary>All that the server serves from memory.</summary>
    Task<StoredState> LoadAsync(CancellationToken ct);

    /// <summary>What changed after <paramref name="revision"/>, or null if that is not known (any more).</summary>
    Task<IReadOnlyCollection<ChangeKey>?> ReadChangesAsync(long revision, CancellationToken ct);

    /// <summary>Stores a new entry and returns it with its revision; AlreadyExists names the entry that equals it.</summary>
    Task<RegistrationEntry> CreateEntryAsync(RegistrationEntry entry, CancellationToken ct);

    /// <summary>Replaces an entry; Stale if <paramref name="expectedRevision"/> is given and is not its present one.</summary>
    Task<RegistrationEntry> UpdateEntryAsync(RegistrationEntry entry, long? expectedRevision, CancellationToken ct);

    Task DeleteEntryAsync(string id, long? expectedRevision, CancellationToken ct);

    /// <summary>Stores the bundle of a trust domain in place of the one before.</summary>
    Task PutBundleAsync(TrustBundle bundle, CancellationToken ct);

    /// <summary>NotFound if there is none.</summary>
    Task DeleteBundleAsync(TrustDomain trustDomain, CancellationToken ct);

    /// <summary>Stores a new join token, and forgets those that expired long before <paramref name="now"/>.</summary>
    Task CreateJoinTokenAsync(
        ReadOnlyMemory<byte> tokenHash,
        DateTimeOffset now,
        DateTimeOffset expiresAt,
        CancellationToken ct
    );

    /// <summary>
    /// Redeems a join token for a public key and stores the agent that it makes, both or neither. The same key may redeem
    /// again and gets the same agent; any other is refused with PermissionDenied, and so is an expired or unknown token.
    /// </summary>
    Task<AgentRecord> RedeemJoinTokenAsync(
        ReadOnlyMemory<byte> tokenHash,
        ReadOnlyMemory<byte> keyHash,
        AgentRecord agent,
        CancellationToken ct
    );

    /// <summary>Stores what is new of agents that exist; others are passed over. Survives the death of the process only.</summary>
    Task UpdateAgentsAsync(IReadOnlyCollection<AgentRecord> agents, CancellationToken ct);

    /// <summary>Bans or unbans; NotFound if there is no such agent.</summary>
    Task SetAgentBannedAsync(string id, bool banned, CancellationToken ct);

    /// <summary>Forgets the agent; NotFound if there is no such agent.</summary>
    Task DeleteAgentAsync(string id, CancellationToken ct);

    /// <summary>Every CA certificate, in the order of issue.</summary>
    Task<IReadOnlyList<AuthorityRecord>> LoadAuthoritiesAsync(CancellationToken ct);

    /// <summary>Stores CA certificates, new or with a new state: all or none.</summary>
    Task PutAuthoritiesAsync(IReadOnlyCollection<AuthorityRecord> authorities, CancellationToken ct);
}
