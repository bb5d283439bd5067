using Grpc.Core;
using MeshCA.Ca.Agents;
using MeshCA.Spiffe;

namespace MeshCA.Ca.AgentApi;

/// <summary>Who calls, as the client certificate of the connection says. The handshake has verified its chain.</summary>
/// <param name="Session">Known and not banned.</param>
/// <param name="NotAfter">When the certificate ends, and with it what was allowed on its strength.</param>
internal sealed record CallerIdentity(AgentSession Session, DateTimeOffset NotAfter)
{
    public SpiffeId SpiffeId => Session.Record.SpiffeId;

    /// <summary>Unauthenticated or PermissionDenied, with the remedy.</summary>
    public static CallerIdentity Of(
        ServerCallContext context,
        TrustDomain trustDomain,
        AgentRegistry agents,
        DateTimeOffset now
    )
    {
        var certificate =
            context.GetHttpContext().Connection.ClientCertificate
            ?? throw new MeshCaException(
                ErrorKind.Unauthenticated,
                "this call needs the agent's X509-SVID as client certificate; attest first"
            );

        // A connection outlives its handshake: what may have changed since is checked for each call.
        var notAfter = new DateTimeOffset(certificate.NotAfter.ToUniversalTime());
        if (notAfter <= now)
        {
            throw Expired(notAfter);
        }

        var id = X509SvidVerifier.ReadId(certificate.RawDataMemory);
        return id.TrustDomain == trustDomain && ReservedIds.IsAgent(id)
            ? new(agents.Require(id), notAfter)
            : throw new MeshCaException(ErrorKind.PermissionDenied, $"{id} is not an agent of {trustDomain}");
    }

    public static MeshCaException Expired(DateTimeOffset notAfter) =>
        new(
            ErrorKind.Unauthenticated,
            $"the agent's X509-SVID has expired at {notAfter:u}; connect again with a new one"
        );
}
