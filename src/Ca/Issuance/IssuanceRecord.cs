using MeshCA.Spiffe;

namespace MeshCA.Ca.Issuance;

/// <summary>What the ledger and the audit log keep of one certificate.</summary>
public readonly record struct IssuanceRecord
{
    public required IssuanceKind Kind { get; init; }

    public required SerialNumber SerialNumber { get; init; }

    public required SpiffeId SpiffeId { get; init; }

    public required DateTimeOffset NotBefore { get; init; }

    public required DateTimeOffset NotAfter { get; init; }

    public required DateTimeOffset IssuedAt { get; init; }

    /// <summary>The issuing authority's subject key identifier, lower-case hex.</summary>
    public required string AuthorityId { get; init; }

    /// <summary>Who asked.</summary>
    public required SpiffeId Agent { get; init; }

    public required string? EntryId { get; init; }

    /// <summary>Why it was not signed after all; null = signed.</summary>
    public string? Failure { get; init; }
}
