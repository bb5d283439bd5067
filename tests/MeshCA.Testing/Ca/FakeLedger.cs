using System.Collections.Immutable;
using MeshCA.Ca.Issuance;
using MeshCA.Spiffe;

namespace MeshCA.Testing.Ca;

/// <summary>A ledger in memory that can be made to fail.</summary>
public sealed class FakeLedger : IIssuanceLedger
{
    private readonly Lock _gate = new();
    private ImmutableList<IssuanceRecord> _intents = [];
    private ImmutableList<IssuanceRecord> _outcomes = [];

    public IReadOnlyList<IssuanceRecord> Intents => _intents;

    public IReadOnlyList<IssuanceRecord> Outcomes => _outcomes;

    public IEnumerable<IssuanceRecord> Issued => _outcomes.Where(record => record.Failure is null);

    public MeshCaException? IntentsFail { get; set; }

    public MeshCaException? OutcomesFail { get; set; }

    public Task RecordIntentsAsync(ReadOnlyMemory<IssuanceRecord> records, CancellationToken ct)
    {
        lock (_gate)
        {
            _intents = IntentsFail is { } e ? throw e : _intents.AddRange(records.ToArray());
        }

        return Task.CompletedTask;
    }

    public Task RecordOutcomesAsync(ReadOnlyMemory<IssuanceRecord> records, CancellationToken ct)
    {
        lock (_gate)
        {
            _outcomes = OutcomesFail is { } e ? throw e : _outcomes.AddRange(records.ToArray());
        }

        return Task.CompletedTask;
    }

    public Task<IssuedIdentity?> FindAsync(SerialNumber serial, CancellationToken ct) =>
        Task.FromResult(List().FirstOrDefault(identity => identity.SerialNumber == serial.ToString()));

    public Task<ImmutableArray<IssuedIdentity>> ListAsync(
        IdentityFilter filter,
        long after,
        int count,
        CancellationToken ct
    ) => Task.FromResult(List().Where(identity => identity.Sequence > after).Take(count).ToImmutableArray());

    public Task<DateTimeOffset?> FindLastExpiryAsync(IReadOnlyCollection<string> authorityIds, CancellationToken ct) =>
        Task.FromResult(Issued.Where(r => authorityIds.Contains(r.AuthorityId)).Max(r => (DateTimeOffset?)r.NotAfter));

    private IEnumerable<IssuedIdentity> List() =>
        Issued.Select(
            (record, i) =>
                new IssuedIdentity(
                    i + 1,
                    record.SerialNumber.ToString(),
                    record.SpiffeId,
                    record.NotBefore,
                    record.NotAfter,
                    record.IssuedAt,
                    record.AuthorityId,
                    record.Agent,
                    record.EntryId
                )
        );
}
