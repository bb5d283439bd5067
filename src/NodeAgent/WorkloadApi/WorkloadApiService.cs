using Grpc.Core;
using MeshCA.NodeAgent.Attestation;
using MeshCA.NodeAgent.Svids;
using MeshCA.NodeAgent.Views;
using MeshCA.Protos.Workload;
using MeshCA.Spiffe;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshCA.NodeAgent.WorkloadApi;

/// <summary>The SPIFFE Workload API, X.509 profile. Failures become statuses in the agent socket's interceptor.</summary>
internal sealed partial class WorkloadApiService(
    PeerAttestor attestor,
    IdentityCache cache,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<WorkloadApiService> logger
) : WorkloadApiContract.Service
{
    private const string SecurityHeader = "workload.spiffe.io";

    /// <summary>What gRPC clients accept if nobody told them otherwise.</summary>
    private const int StockClientLimit = 4 << 20;

    private const string JwtNotYet = "JWT-SVIDs are not served yet; use X.509-SVIDs";
    private const string WitNotYet = "WIT-SVIDs are not served; use X.509-SVIDs";

    public override Task FetchX509SVID(
        X509SVIDRequest request,
        IServerStreamWriter<X509SvidMessage> responseStream,
        ServerCallContext context
    ) => ServeAsync(context, (view, changed, ct) => SendSvidsAsync(view, changed, responseStream, ct));

    public override Task FetchX509Bundles(
        X509BundlesRequest request,
        IServerStreamWriter<X509BundlesMessage> responseStream,
        ServerCallContext context
    ) => ServeAsync(context, (view, changed, ct) => SendBundlesAsync(view, changed, responseStream, ct));

    public override Task<JWTSVIDResponse> FetchJWTSVID(JWTSVIDRequest request, ServerCallContext context) =>
        throw Refuse(context, JwtNotYet);

    public override Task FetchJWTBundles(
        JWTBundlesRequest request,
        IServerStreamWriter<JWTBundlesResponse> responseStream,
        ServerCallContext context
    ) => throw Refuse(context, JwtNotYet);

    public override Task<ValidateJWTSVIDResponse> ValidateJWTSVID(
        ValidateJWTSVIDRequest request,
        ServerCallContext context
    ) => throw Refuse(context, JwtNotYet);

    public override Task FetchWITSVID(
        WITSVIDRequest request,
        IServerStreamWriter<WITSVIDResponse> responseStream,
        ServerCallContext context
    ) => throw Refuse(context, WitNotYet);

    public override Task FetchWITBundles(
        WITBundlesRequest request,
        IServerStreamWriter<WITBundlesResponse> responseStream,
        ServerCallContext context
    ) => throw Refuse(context, WitNotYet);

    /// <summary>SPIFFE Workload Endpoint section 5: a header that nobody can be tricked into sending.</summary>
    private static void RequireHeader(ServerCallContext context)
    {
        if (context.GetHttpContext().Request.Headers[SecurityHeader] is not ["true"])
        {
            throw new MeshCaException(ErrorKind.Malformed, "security header missing from request");
        }
    }

    private static MeshCaException Refuse(ServerCallContext context, string why)
    {
        RequireHeader(context);
        return new(ErrorKind.Unimplemented, why);
    }

    private static void RequireIdentity(ViewSnapshot snapshot)
    {
        if (snapshot.EntryCount == 0)
        {
            throw new MeshCaException(ErrorKind.PermissionDenied, "no identity issued");
        }
    }

    private static void RequireBundle(ViewSnapshot snapshot)
    {
        if (snapshot.Bundle.Der.IsEmpty)
        {
            throw new MeshCaException(ErrorKind.Unavailable, "could not serialize response: bundle not available");
        }
    }

    /// <summary>Serves until the call ends or the host stops, which would else wait for its open streams.</summary>
    private async Task ServeAsync(ServerCallContext context, Func<WorkloadView, Signal, CancellationToken, Task> serve)
    {
        RequireHeader(context);
        var view = cache.Open(await attestor.AttestAsync(context.GetHttpContext(), context.CancellationToken));
        using var call = CancellationTokenSource.CreateLinkedTokenSource(
            context.CancellationToken,
            lifetime.ApplicationStopping
        );
        var changed = new Signal();
        using var subscription = view.Subscribe(changed.Set);
        NodeAgentMetrics.Streams.Add(1);
        try
        {
            await serve(view, changed, call.Token);
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // Not Cancelled: stock clients take that for their own wish and do not come back.
            throw new MeshCaException(ErrorKind.Unavailable, "the agent is stopping");
        }
        finally
        {
            NodeAgentMetrics.Streams.Add(-1);
        }
    }

    private async Task SendSvidsAsync(
        WorkloadView view,
        Signal changed,
        IServerStreamWriter<X509SvidMessage> stream,
        CancellationToken ct
    )
    {
        var pace = new SendPace(time);
        ViewSnapshot? sent = null;
        while (true)
        {
            var wait = Timeout.InfiniteTimeSpan;
            if (view.Current is { IsReady: true } next && !next.HasSameX509(sent))
            {
                RequireIdentity(next);

                // With entries but no SVIDs the CA is away: the client waits, or goes on with what it has.
                if (!next.HintedIdentities.IsEmpty)
                {
                    RequireBundle(next);
                    wait = pace.Delay(next, sent);
                    if (wait <= TimeSpan.Zero)
                    {
                        await stream.WriteAsync(new(next), ct);
                        pace.Sent(next);
                        NodeAgentMetrics.SentBytes.Add(next.X509Length);
                        WarnIfOdd(next, sent, view);
                        sent = next;
                        continue;
                    }
                }
            }

            await changed.WaitAsync(wait, time, ct);
        }
    }

    private static async Task SendBundlesAsync(
        WorkloadView view,
        Signal changed,
        IServerStreamWriter<X509BundlesMessage> stream,
        CancellationToken ct
    )
    {
        ViewSnapshot? sent = null;
        while (true)
        {
            if (view.Current is { } next)
            {
                RequireIdentity(next);
                RequireBundle(next);
                if (!next.HasSameBundles(sent))
                {
                    await stream.WriteAsync(new(next), ct);
                    sent = next;
                    continue;
                }
            }

            await changed.WaitAsync(ct);
        }
    }

    private void WarnIfOdd(ViewSnapshot snapshot, ViewSnapshot? sent, WorkloadView view)
    {
        var dropped = snapshot.Identities.Length - snapshot.HintedIdentities.Length;
        if (dropped > 0 && sent is null)
        {
            LogSameHints(dropped, view.Selectors);
        }

        if (snapshot.X509Length > StockClientLimit && !(sent?.X509Length > StockClientLimit))
        {
            LogLarge(snapshot.X509Length, snapshot.HintedIdentities.Length, view.Selectors);
        }
    }

    [LoggerMessage(
        LogLevel.Warning,
        "{Count} identities are left out of Workload API answers, since older entries have the same hint: give each its own. The workload's selectors: {Selectors}"
    )]
    private partial void LogSameHints(int count, SelectorSet selectors);

    [LoggerMessage(
        LogLevel.Warning,
        "A Workload API answer has {Length} bytes for {Count} SVIDs; stock gRPC clients refuse more than 4 MiB: give the workload fewer entries, or raise its client's limit. Its selectors: {Selectors}"
    )]
    private partial void LogLarge(int length, int count, SelectorSet selectors);
}
