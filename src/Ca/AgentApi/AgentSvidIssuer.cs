using Google.Protobuf;
using MeshCA.Ca.Agents;
using MeshCA.Ca.Issuance;

namespace MeshCA.Ca.AgentApi;

/// <summary>Issues agents their own X509-SVIDs and notes which one each holds.</summary>
internal sealed class AgentSvidIssuer(X509Issuer issuer, AgentRegistry agents, TimeProvider time)
{
    public async Task<Protos.V1.X509Svid> IssueAsync(
        AgentSession session,
        ReadOnlyMemory<byte> csr,
        CancellationToken ct
    )
    {
        var agent = session.Record;
        var issued = await issuer.IssueAgentAsync(agent.SpiffeId, csr, ct);
        await agents.RenewedAsync(agent, issued.SerialNumber, issued.NotAfter, time.GetUtcNow(), ct);
        return new()
        {
            Chain = { issued.Chain.Select(der => UnsafeByteOperations.UnsafeWrap(der)) },
            IssuedAtMs = issued.IssuedAt.ToUnixTimeMilliseconds(),
        };
    }
}
