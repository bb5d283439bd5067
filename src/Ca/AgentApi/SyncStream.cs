using Grpc.Core;
using MeshCA.Ca.Agents;
using MeshCA.Ca.Bundles;
using MeshCA.Ca.Entries;
using MeshCA.Ca.Store;
using MeshCA.Protos.V1;
using MeshCA.Spiffe;

namespace MeshCA.Ca.AgentApi;

/// <summary>Serves <c>Sync</c>: each stream has its own loops, and no other waits for a slow one.</summary>
internal sealed class SyncStream(
    IDataStore store,
    EntryRegistry entries,
    BundleRegistry bundles,
    AgentFeed feed,
    ServerOptions options,
    TimeProvider time
)
{
    private static readonly TimeSpan _helloTimeout = TimeSpan.FromSeconds(10);

    /// <summary>A lone change goes out at once; those that follow within this share a message.</summary>
    private static readonly TimeSpan _coalescing = TimeSpan.FromMilliseconds(5);

    public async Task RunAsync(
        CallerIdentity caller,
        IAsyncStreamReader<SyncRequest> requests,
        IServerStreamWriter<SyncResponse> responses,
        CancellationToken ct
    )
    {
        var hello = await ReadHelloAsync(requests, ct);
        caller.Session.Update(record =>
            record with
            {
                Version = AgentProto.Cut(hello.AgentVersion, AgentProto.MaxVersion),
                LastSeen = time.GetUtcNow(),
            }
        );

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(ct);
        using var subscription = feed.Subscribe(caller.SpiffeId);
        var writing = WriteAsync(subscription, hello, responses, ended.Token);
        var reading = ReadReportsAsync(caller.Session, requests, ended.Token);

        // Whichever ends first ends the other; the first one's failure is the stream's.
        var first = await Task.WhenAny(writing, reading);
        await ended.CancelAsync();
        await Task.WhenAll(writing, reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first;
    }

    private async Task<Hello> ReadHelloAsync(IAsyncStreamReader<SyncRequest> requests, CancellationToken ct)
    {
        using var timeout = new CancellationTokenSource(_helloTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, timeout.Token);
        try
        {
            if (await requests.MoveNext(either.Token) && requests.Current.Hello is { } hello)
            {
                return hello;
            }
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            // Answered below.
        }

        throw new MeshCaException(ErrorKind.Malformed, "the first message of a stream is a hello, and comes at once");
    }

    private async Task WriteAsync(
        AgentSubscription subscription,
        Hello hello,
        IServerStreamWriter<SyncResponse> responses,
        CancellationToken ct
    )
    {
        var messages = new SyncMessages(entries, bundles, feed, subscription.Agent, options.TrustDomain);

        // 1. What the agent missed. The subscription is there already: what is committed from now on is marked on it.
        var revision = feed.Revision;
        var known = hello.StoreId == store.StoreId && hello.Revision > 0;
        var missed = known ? await store.ReadChangesAsync(hello.Revision, ct) : null;
        if (missed is not null)
        {
            messages.Resume(hello.Revision);
        }

        subscription.MarkMissed(missed);

        // 2. That, then each change.
        while (true)
        {
            await subscription.WaitAsync(ct);
            var pending = subscription.Take();
            var parts = pending.Snapshot
                ? messages.Snapshot(store.StoreId, options.ReportInterval)
                : messages.Changes(pending, revision);
            foreach (var part in parts)
            {
                await responses.WriteAsync(part, ct);
            }

            await Task.Delay(_coalescing, time, ct);
        }
    }

    private async Task ReadReportsAsync(
        AgentSession session,
        IAsyncStreamReader<SyncRequest> requests,
        CancellationToken ct
    )
    {
        while (await requests.MoveNext(ct))
        {
            if (requests.Current.Report is not { } report)
            {
                throw new MeshCaException(ErrorKind.Malformed, "after its hello an agent sends reports only");
            }

            session.Report(AgentProto.FromProto(report, time.GetUtcNow()));
        }
    }
}
