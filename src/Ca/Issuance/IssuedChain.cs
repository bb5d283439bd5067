using System.Collections.Immutable;

namespace MeshCA.Ca.Issuance;

/// <summary>An X509-SVID as issued to an agent or to the server itself.</summary>
/// <param name="Chain">Leaf first, then intermediates, each DER; never the root.</param>
/// <param name="IssuedAt">The renewal schedule counts from here.</param>
/// <param name="NotAfter">When the leaf ends.</param>
/// <param name="SerialNumber">The leaf's, lower-case hex.</param>
public sealed record IssuedChain(
    ImmutableArray<ReadOnlyMemory<byte>> Chain,
    DateTimeOffset IssuedAt,
    DateTimeOffset NotAfter,
    string SerialNumber
);
