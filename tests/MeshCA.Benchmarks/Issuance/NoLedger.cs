using System.Collections.Immutable;
using MeshCA.Ca.Issuance;

namespace MeshCA.Benchmarks.Issuance;

/// <summary>Writes nothing down: what is left is the core.</summary>
internal sealed class NoLedger : IIssuanceLedger
{
    public Task RecordIntentsAsync(ReadOnlyMemory<IssuanceRecord> records, CancellationToken ct) => Task.CompletedTask;

    public Task RecordOutcomesAsync(ReadOnlyMemory<IssuanceRecord> records, CancellationToken ct) => Task.CompletedTask;

    public Task<IssuedIdentity?> FindAsync(SerialNumber serial, CancellationToken ct) =>
        Task.FromResult<IssuedIdentity?>(null);

    public Task<ImmutableArray<IssuedIdentity>> ListAsync(
        IdentityFilter filter,
        long after,
        int count,
        CancellationToken ct
    ) => Task.FromResult(ImmutableArray<IssuedIdentity>.Empty);

    public Task<DateTimeOffset?> FindLastExpiryAsync(IReadOnlyCollection<string> authorityIds, CancellationToken ct) =>
        Task.FromResult<DateTimeOffset?>(null);
}
