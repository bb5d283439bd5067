using Grpc.Core;
using MeshCA.Ca.Agents;
using MeshCA.Ca.Bundles;
using MeshCA.Ca.Issuance;
using MeshCA.Protos.V1;
using MeshCA.Spiffe;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshCA.Ca.AgentApi;

/// <summary>The agent API of agent.proto.</summary>
internal sealed partial class AgentGrpcService(
    ServerOptions options,
    JoinTokens tokens,
    AgentRegistry agents,
    BundleRegistry bundles,
    AgentSvidIssuer issuer,
    SyncStream sync,
    IssueStream issue,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<AgentGrpcService> logger
) : AgentService.AgentServiceBase
{
    public override async Task<AttestResponse> Attest(AttestRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;

        // 1. Something to attest with, and a key whose holder the caller is.
        if (request.EvidenceCase != AttestRequest.EvidenceOneofCase.JoinToken)
        {
            throw new MeshCaException(
                ErrorKind.Malformed,
                "the request has no evidence that this server knows; it takes a join token"
            );
        }

        var key = VerifiedPublicKey.FromCsr(request.Csr.Memory).SubjectPublicKeyInfo;

        // 2. The evidence names the agent. A join token works once, and again for the same key.
        var version = AgentProto.Cut(request.AgentVersion, AgentProto.MaxVersion);
        var agent = await tokens.RedeemAsync(request.JoinToken, key, version, ct);

        // 3. One that attested before may have been banned since.
        var session = agents.Require(agent.SpiffeId);

        // 4. Its X509-SVID, and the bundle that the server is verified with from now on.
        var svid = await issuer.IssueAsync(session, request.Csr.Memory, ct);
        LogAttested(agent.SpiffeId, agent.Kind, context.Peer);
        return new() { Svid = svid, Bundle = AgentProto.ToProto(bundles.Own) };
    }

    public override async Task<RenewResponse> Renew(RenewRequest request, ServerCallContext context)
    {
        var caller = Caller(context);
        var svid = await issuer.IssueAsync(caller.Session, request.Csr.Memory, context.CancellationToken);
        LogRenewed(caller.SpiffeId);
        return new() { Svid = svid, Bundle = AgentProto.ToProto(bundles.Own) };
    }

    public override Task Sync(
        IAsyncStreamReader<SyncRequest> requestStream,
        IServerStreamWriter<SyncResponse> responseStream,
        ServerCallContext context
    ) =>
        StreamAsync(
            context,
            async (caller, ct) =>
            {
                caller.Session.Connected();
                try
                {
                    await sync.RunAsync(caller, requestStream, responseStream, ct);
                }
                finally
                {
                    caller.Session.Disconnected();
                }
            }
        );

    public override Task Issue(
        IAsyncStreamReader<IssueRequest> requestStream,
        IServerStreamWriter<IssueResponse> responseStream,
        ServerCallContext context
    ) => StreamAsync(context, (caller, ct) => issue.RunAsync(caller, requestStream, responseStream, ct));

    private async Task StreamAsync(ServerCallContext context, Func<CallerIdentity, CancellationToken, Task> run)
    {
        var caller = Caller(context);
        caller.Session.OpenStream();
        using var end = new StreamEnd(caller, time, lifetime.ApplicationStopping, context.CancellationToken);
        try
        {
            await run(caller, end.Token);
        }
        catch (Exception) when (end.Reason is not null)
        {
            // Reads and writes that were cut off fail in several ways; what the agent is told is why.
            throw end.Reason!;
        }
        finally
        {
            caller.Session.CloseStream();
        }
    }

    private CallerIdentity Caller(ServerCallContext context) =>
        CallerIdentity.Of(context, options.TrustDomain, agents, time.GetUtcNow());

    [LoggerMessage(LogLevel.Information, "Attested agent {SpiffeId} by {Kind} from {Peer}")]
    private partial void LogAttested(SpiffeId spiffeId, string kind, string peer);

    [LoggerMessage(LogLevel.Information, "Renewed the X509-SVID of agent {SpiffeId}")]
    private partial void LogRenewed(SpiffeId spiffeId);
}
