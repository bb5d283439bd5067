using Grpc.Core;
using MeshCA.NodeAgent.Node;
using MeshCA.NodeAgent.Svids;
using MeshCA.Protos.V1;
using MeshCA.Spiffe;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshCA.NodeAgent.Sync;

/// <summary>
/// Holds the agent's stream to the server: takes entries and bundles as they change, reports what is held. While the server
/// is away the last state is served on.
/// </summary>
internal sealed partial class SyncClient(
    AgentOptions options,
    ServerLink link,
    NodeIdentity identity,
    NodeIdentityKeeper keeper,
    IdentityCache cache,
    SyncReporter reporter,
    TimeProvider time,
    ILogger<SyncClient> logger
) : BackgroundService
{
    /// <summary>A stream that lived this long was a good one: after it the first retry is quick again.</summary>
    private static readonly TimeSpan _goodStream = TimeSpan.FromSeconds(5);

    private readonly SnapshotParts _parts = new();
    private readonly ServerBackoff _backoff = new(time);

    private volatile bool _connected;
    private volatile string? _problem;
    private string _storeId = "";
    private long _revision;

    /// <summary>True while the stream is up.</summary>
    public bool IsConnected => _connected;

    public string? Problem => _problem;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            var started = time.GetTimestamp();
            var svid = identity.Svid;
            TimeSpan delay;
            try
            {
                await RunStreamAsync(stoppingToken);
                delay = TimeSpan.Zero;
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                // The host stops: a cancelled call says so with an RpcException, which the host would take for a failure.
                return;
            }
            catch (Exception e)
            {
                if (time.GetElapsedTime(started) > _goodStream)
                {
                    _backoff.Reset();
                }

                delay = _backoff.Next(e);
                _problem = ServerBackoff.Reason(e);
                var log = _backoff.ShouldLog(e, out var trace);
                if (ServerBackoff.IsRefusal(e))
                {
                    if (log)
                    {
                        LogRefused(_problem, ServerBackoff.Remedy, delay);
                    }

                    keeper.ReattestIfAsked();
                }
                else if (log)
                {
                    LogLost(trace, _problem, delay);
                }
            }
            finally
            {
                SetConnected(false);
            }

            // A new SVID is a reason to try at once.
            await identity.WaitWhileAsync(svid, delay, time, stoppingToken);
        }
    }

    /// <summary>One stream, until it breaks, or until the agent has a newer SVID for the next.</summary>
    private async Task RunStreamAsync(CancellationToken ct)
    {
        using var lease = await link.OpenAsync(ct);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(ct);
        using var call = lease.Client.Sync(cancellationToken: ended.Token);
        await call.RequestStream.WriteAsync(
            new()
            {
                Hello = new()
                {
                    AgentVersion = NodeIdentityKeeper.AgentVersion,
                    StoreId = _storeId,
                    Revision = _revision,
                },
            },
            ct
        );

        // The connection stands: gRPC sends nothing before. A refusal follows at once, if it does.
        SetConnected(true);
        var reading = ReadAsync(call.ResponseStream, ended.Token);
        var reporting = reporter.RunAsync(call.RequestStream, () => _revision, ended.Token);
        var replaced = identity.WaitWhileAsync(lease.Svid, ended.Token);
        try
        {
            var first = await Task.WhenAny(reading, reporting, replaced);
            await first;
            if (first == replaced)
            {
                return;
            }
        }
        finally
        {
            await ended.CancelAsync();
            await Task.WhenAll(reading, reporting, replaced).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        throw new MeshCaException(ErrorKind.Unavailable, "the server ended the stream");
    }

    private async Task ReadAsync(IAsyncStreamReader<SyncResponse> responses, CancellationToken ct)
    {
        _parts.Clear();
        while (await responses.MoveNext(ct))
        {
            _problem = null;
            switch (responses.Current.MessageCase)
            {
                case SyncResponse.MessageOneofCase.Snapshot:
                    Apply(responses.Current.Snapshot);
                    break;
                case SyncResponse.MessageOneofCase.Change:
                    Apply(responses.Current.Change);
                    break;
            }
        }
    }

    private void Apply(Snapshot part)
    {
        if (!_parts.Add(part))
        {
            return;
        }

        var entries = ToEntries(_parts.Entries);
        var bundles = ToBundles(_parts.Bundles);
        if (Own(bundles) is { } own)
        {
            keeper.UpdateBundle(own);
        }
        else
        {
            // A server never leaves it out; but without it nothing could be served at all.
            bundles.Add(identity.Bundle!);
        }

        cache.ApplySnapshot(entries, bundles);
        (_storeId, _revision) = (part.StoreId, part.Revision);
        reporter.SetInterval(TimeSpan.FromMilliseconds(part.ReportIntervalMs));
        reporter.Changed();
        LogSnapshot(entries.Count, bundles.Count, part.Revision);
        _parts.Clear();
    }

    private void Apply(Change change)
    {
        var bundles = ToBundles(change.Bundles);
        if (Own(bundles) is { } own)
        {
            keeper.UpdateBundle(own);
        }

        cache.ApplyChange(
            ToEntries(change.Upserted),
            change.RemovedEntryIds,
            bundles,
            [
                .. change
                    .RemovedTrustDomains.Where(static t => TrustDomain.TryParse(t, out _))
                    .Select(static t => TrustDomain.Parse(t)),
            ]
        );
        _revision = change.Revision;
        reporter.Changed();
        LogChange(change.Upserted.Count, change.RemovedEntryIds.Count, bundles.Count, change.Revision);
    }

    private void SetConnected(bool connected)
    {
        if (_connected != connected)
        {
            _connected = connected;
            NodeAgentMetrics.ServerConnections.Add(connected ? 1 : -1);
        }
    }

    private TrustBundle? Own(List<TrustBundle> bundles) => bundles.Find(b => b.TrustDomain == options.TrustDomain);

    /// <summary>One entry that cannot be read must not take the others with it.</summary>
    private List<AgentEntry> ToEntries(IReadOnlyCollection<Entry> protos)
    {
        var entries = new List<AgentEntry>(protos.Count);
        foreach (var proto in protos)
        {
            try
            {
                entries.Add(AgentProto.ToEntry(proto));
            }
            catch (FormatException e)
            {
                LogBadEntry(proto.Id, e.Message);
            }
        }

        return entries;
    }

    private List<TrustBundle> ToBundles(IReadOnlyCollection<Bundle> protos)
    {
        var bundles = new List<TrustBundle>(protos.Count);
        foreach (var proto in protos)
        {
            try
            {
                bundles.Add(AgentProto.ToBundle(proto));
            }
            catch (FormatException e)
            {
                LogBadBundle(proto.TrustDomain, e.Message);
            }
        }

        return bundles;
    }

    [LoggerMessage(
        LogLevel.Error,
        "The server refuses this agent: {Reason}. To repair it: {Remedy}. Asking again in {Delay}"
    )]
    private partial void LogRefused(string reason, string remedy, TimeSpan delay);

    [LoggerMessage(LogLevel.Warning, "Lost the server: {Reason}. What is held is served on; retrying in {Delay}")]
    private partial void LogLost(Exception? e, string reason, TimeSpan delay);

    [LoggerMessage(LogLevel.Information, "In sync: {Entries} entries, {Bundles} bundles, revision {Revision}")]
    private partial void LogSnapshot(int entries, int bundles, long revision);

    [LoggerMessage(
        LogLevel.Debug,
        "Change: {Upserted} entries, {Removed} removed, {Bundles} bundles, revision {Revision}"
    )]
    private partial void LogChange(int upserted, int removed, int bundles, long revision);

    [LoggerMessage(LogLevel.Error, "The server sent entry {EntryId}, which is not served: {Reason}")]
    private partial void LogBadEntry(string entryId, string reason);

    [LoggerMessage(LogLevel.Error, "The server sent a bundle of {TrustDomain}, which is not served: {Reason}")]
    private partial void LogBadBundle(string trustDomain, string reason);
}
