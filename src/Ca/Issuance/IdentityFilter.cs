namespace MeshCA.Ca.Issuance;

/// <summary>Which rows of the ledger are asked for; null = any.</summary>
public sealed record IdentityFilter
{
    public static readonly IdentityFilter All = new();

    /// <summary>The beginning of the SPIFFE ID's text.</summary>
    public string? SpiffeIdPrefix { get; init; }

    public DateTimeOffset? ExpiresBefore { get; init; }

    /// <summary>The agent's SPIFFE ID.</summary>
    public string? Agent { get; init; }

    /// <summary>The issuing authority's id.</summary>
    public string? Authority { get; init; }
}
