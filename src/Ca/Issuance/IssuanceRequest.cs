using System.Collections.Immutable;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Issuance;

/// <summary>
/// What leads to a certificate, and nothing else does. Its names come from an entry, an attested node or the server
/// itself; of a CSR it holds the verified public key alone.
/// </summary>
public readonly record struct IssuanceRequest
{
    internal const string ProofPath = "/meshca/proof";

    private IssuanceRequest(
        IssuanceKind kind,
        SpiffeId spiffeId,
        VerifiedPublicKey key,
        TimeSpan ttl,
        SpiffeId agent
    ) => (Kind, SpiffeId, Key, Ttl, Agent, DnsNames) = (kind, spiffeId, key, ttl, agent, []);

    public IssuanceKind Kind { get; }

    public SpiffeId SpiffeId { get; }

    public ImmutableArray<string> DnsNames { get; private init; }

    public VerifiedPublicKey Key { get; }

    /// <summary>The lifetime that is due; the certificate's is shorter if its issuer ends before.</summary>
    public TimeSpan Ttl { get; }

    /// <summary>Who asked: the agent, or the server.</summary>
    public SpiffeId Agent { get; }

    /// <summary>Null where no entry is the reason.</summary>
    public string? EntryId { get; private init; }

    /// <summary>For an entry, which the caller has checked that the agent may serve.</summary>
    /// <exception cref="MeshCaException">The order is refused, and why.</exception>
    public static IssuanceRequest ForWorkload(in IssuanceOrder order, TrustDomain trustDomain, TimeSpan defaultTtl)
    {
        var entry = order.Entry;
        var id = entry.SpiffeId;
        if (!id.IsMemberOf(trustDomain) || id.Path.IsEmpty || id.IsReserved)
        {
            throw new MeshCaException(
                ErrorKind.PermissionDenied,
                $"entry {entry.Id}: {id} is not a workload's ID of {trustDomain}, outside of /meshca; correct the entry"
            );
        }

        if (!ReservedIds.IsAgent(order.Agent) || !order.Agent.IsMemberOf(trustDomain))
        {
            throw new MeshCaException(ErrorKind.PermissionDenied, $"{order.Agent} is not an agent of {trustDomain}");
        }

        return new(
            IssuanceKind.Workload,
            id,
            VerifiedPublicKey.FromCsr(order.Csr),
            entry.X509SvidTtl ?? defaultTtl,
            order.Agent
        )
        {
            DnsNames = entry.DnsNames,
            EntryId = entry.Id,
        };
    }

    /// <summary>For a node agent, which the caller has attested.</summary>
    /// <exception cref="MeshCaException">The CSR is refused, or the ID is not an agent's.</exception>
    public static IssuanceRequest ForAgent(
        SpiffeId id,
        ReadOnlyMemory<byte> csr,
        TrustDomain trustDomain,
        TimeSpan ttl
    ) =>
        ReservedIds.IsAgent(id) && id.IsMemberOf(trustDomain)
            ? new(IssuanceKind.Agent, id, VerifiedPublicKey.FromCsr(csr), ttl, id)
            : throw new MeshCaException(ErrorKind.PermissionDenied, $"{id} is not an agent's ID of {trustDomain}");

    internal static IssuanceRequest ForServer(ReadOnlyMemory<byte> csr, TrustDomain trustDomain, TimeSpan ttl)
    {
        var id = ReservedIds.Server(trustDomain);
        return new(IssuanceKind.Server, id, VerifiedPublicKey.FromCsr(csr), ttl, id);
    }

    internal static IssuanceRequest ForProof(ReadOnlyMemory<byte> csr, TrustDomain trustDomain, TimeSpan ttl) =>
        new(
            IssuanceKind.Proof,
            SpiffeId.Of(trustDomain, ProofPath),
            VerifiedPublicKey.FromCsr(csr),
            ttl,
            ReservedIds.Server(trustDomain)
        );
}
