using MeshCA.NodeAgent.Attestation;
using MeshCA.NodeAgent.Svids;
using MeshCA.Sds;
using Microsoft.AspNetCore.Http;

namespace MeshCA.NodeAgent;

/// <summary>Gives SDS what the attested caller may have.</summary>
internal sealed class PeerSecretSource(PeerAttestor attestor, IdentityCache cache) : ISecretSource
{
    public async ValueTask<ISecretFeed> AttestAsync(HttpContext connection, CancellationToken ct) =>
        cache.Open(await attestor.AttestAsync(connection, ct));
}
