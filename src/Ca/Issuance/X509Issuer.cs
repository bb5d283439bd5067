using System.Collections.Immutable;
using MeshCA.Ca.Authorities;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Issuance;

/// <summary>Issues X509-SVIDs from the current authority. Safe for concurrent use.</summary>
public sealed class X509Issuer(AuthorityKeeper authorities, IssuancePipeline pipeline, ServerOptions options)
{
    /// <summary>Issues for workloads. Answers in the order of the orders; one that is refused leaves the others alone.</summary>
    /// <exception cref="MeshCaException">Unavailable: there is no authority, or the ledger cannot be written: none was issued.</exception>
    public Task<IssuanceOutcome[]> IssueAsync(IReadOnlyList<IssuanceOrder> orders, CancellationToken ct) =>
        IssueAsync(pipeline, authorities.Current, orders, options.X509SvidTtl, ct);

    /// <summary>Issues an agent's own X509-SVID. The caller has attested the node, or the agent by its present SVID.</summary>
    /// <exception cref="MeshCaException">Why not.</exception>
    public Task<IssuedChain> IssueAgentAsync(SpiffeId agentId, ReadOnlyMemory<byte> csr, CancellationToken ct) =>
        IssueOneAsync(
            pipeline,
            authorities.Current,
            () => IssuanceRequest.ForAgent(agentId, csr, options.TrustDomain, options.X509SvidTtl),
            ct
        );

    internal static Task<IssuanceOutcome[]> IssueAsync(
        IssuancePipeline pipeline,
        IssuingAuthority authority,
        IReadOnlyList<IssuanceOrder> orders,
        TimeSpan defaultTtl,
        CancellationToken ct
    ) =>
        pipeline.IssueAsync(
            authority,
            orders.Count,
            i => IssuanceRequest.ForWorkload(orders[i], authority.TrustDomain, defaultTtl),
            ct
        );

    internal static async Task<IssuedChain> IssueOneAsync(
        IssuancePipeline pipeline,
        IssuingAuthority authority,
        Func<IssuanceRequest> check,
        CancellationToken ct
    )
    {
        var outcome = (await pipeline.IssueAsync(authority, 1, _ => check(), ct))[0];
        if (outcome.Error is { } error)
        {
            throw error;
        }

        var leaf = CertificateFields.Read(outcome.Certificate);
        ImmutableArray<ReadOnlyMemory<byte>> chain = [outcome.Certificate, .. outcome.Intermediates];
        return new(chain, outcome.IssuedAt, leaf.NotAfter, leaf.SerialNumber);
    }
}
