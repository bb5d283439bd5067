using Microsoft.AspNetCore.Http;

namespace MeshCA.Sds;

/// <summary>Says what the caller of a connection may be given. Implemented by the node agent, by fakes in tests.</summary>
public interface ISecretSource
{
    /// <summary>Attests the caller; called once for each stream or fetch.</summary>
    /// <exception cref="MeshCA.Spiffe.MeshCaException">The caller could not be attested; ends the call.</exception>
    ValueTask<ISecretFeed> AttestAsync(HttpContext connection, CancellationToken ct);
}
