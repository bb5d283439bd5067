using System.Collections.Immutable;

namespace MeshCA.Ca.Issuance;

/// <summary>Where every certificate is written down, before and after it is signed. Safe for concurrent use.</summary>
/// <remarks>
/// A failure is a <see cref="Spiffe.MeshCaException"/> of kind Unavailable, and then nothing of that call was written.
/// The memory behind the records is the caller's again when a task completes.
/// </remarks>
public interface IIssuanceLedger
{
    /// <summary>Audits "about to sign" for each. When it completes, the records survive the death of this process.</summary>
    Task RecordIntentsAsync(ReadOnlyMemory<IssuanceRecord> records, CancellationToken ct);

    /// <summary>
    /// Audits "signed" or "not signed" for each, and enters what was signed into the ledger. When it completes, all of it
    /// and the intents survive a power loss.
    /// </summary>
    Task RecordOutcomesAsync(ReadOnlyMemory<IssuanceRecord> records, CancellationToken ct);

    /// <summary>Null if no such certificate was issued.</summary>
    Task<IssuedIdentity?> FindAsync(SerialNumber serial, CancellationToken ct);

    /// <summary>In the order of issue: at most <paramref name="count"/> after the sequence number <paramref name="after"/>.</summary>
    Task<ImmutableArray<IssuedIdentity>> ListAsync(IdentityFilter filter, long after, int count, CancellationToken ct);

    /// <summary>When the last certificate issued by any of these authorities ends; null if they issued none.</summary>
    Task<DateTimeOffset?> FindLastExpiryAsync(IReadOnlyCollection<string> authorityIds, CancellationToken ct);
}
