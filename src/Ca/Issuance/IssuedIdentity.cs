using MeshCA.Spiffe;

namespace MeshCA.Ca.Issuance;

/// <summary>A row of the ledger: one certificate that was issued.</summary>
/// <param name="Sequence">Grows in the order of issue.</param>
/// <param name="SerialNumber">Lower-case hex.</param>
/// <param name="SpiffeId">Whose it is.</param>
/// <param name="NotBefore">The beginning of its validity.</param>
/// <param name="NotAfter">The end of its validity.</param>
/// <param name="IssuedAt">When it was issued; notBefore lies before.</param>
/// <param name="AuthorityId">The issuing authority's subject key identifier, lower-case hex.</param>
/// <param name="Agent">The agent that asked; for an agent's or the server's own certificate, its own ID.</param>
/// <param name="EntryId">Null for an agent's or the server's own certificate.</param>
public sealed record IssuedIdentity(
    long Sequence,
    string SerialNumber,
    SpiffeId SpiffeId,
    DateTimeOffset NotBefore,
    DateTimeOffset NotAfter,
    DateTimeOffset IssuedAt,
    string AuthorityId,
    SpiffeId Agent,
    string? EntryId
);
