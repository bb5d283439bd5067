using Grpc.Core;
using MeshCA.NodeAgent.Node;
using MeshCA.NodeAgent.Svids;
using MeshCA.Protos.V1;
using MeshCA.Sds;

namespace MeshCA.NodeAgent.Sync;

/// <summary>Tells the server what the agent and its Envoys hold: after changes that matter, and every report interval.</summary>
internal sealed class SyncReporter(IdentityCache cache, NodeIdentity identity, SecretServer secrets, TimeProvider time)
{
    /// <summary>Changes within this become one report.</summary>
    private static readonly TimeSpan _coalesce = TimeSpan.FromMilliseconds(50);

    /// <summary>Envoys' answers come without a word to us; a rotation waits for them.</summary>
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan _minInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _maxInterval = TimeSpan.FromMinutes(10);

    private readonly Signal _changed = new();

    private TimeSpan _interval = TimeSpan.FromSeconds(30);

    public void SetInterval(TimeSpan interval)
    {
        if (interval > TimeSpan.Zero)
        {
            _interval =
                interval < _minInterval ? _minInterval
                : interval > _maxInterval ? _maxInterval
                : interval;
        }
    }

    /// <summary>Something was applied: report soon.</summary>
    public void Changed() => _changed.Set();

    /// <summary>Reports on one stream until it ends.</summary>
    public async Task RunAsync(IClientStreamWriter<SyncRequest> writer, Func<long> revision, CancellationToken ct)
    {
        Report? last = null;
        var lastAt = time.GetTimestamp();
        while (true)
        {
            await _changed.WaitAsync(_look, time, ct);
            var report = cache.IsInSync ? Make(revision()) : null;
            if (report is null || (report.Equals(last) && time.GetElapsedTime(lastAt) < _interval))
            {
                continue;
            }

            await writer.WriteAsync(new() { Report = report }, ct);
            (last, lastAt) = (report, time.GetTimestamp());
            await Task.Delay(_coalesce, time, ct);
        }
    }

    private Report Make(long revision)
    {
        var report = new Report
        {
            Revision = revision,
            BundleSequence = identity.Bundle?.SequenceNumber ?? 0,
            SvidsHeld = cache.SvidsHeld,
            SvidsPending = cache.SvidsPending,
        };
        foreach (var subscription in secrets.GetStatus().Subscriptions)
        {
            report.Sds.Add(
                new Protos.V1.SdsSubscription
                {
                    Name = subscription.Name,
                    Streams = subscription.Streams,
                    Acked = subscription.Acked,
                    Nacked = subscription.Nacked,
                    NackReason = subscription.NackReason,
                }
            );
        }

        return report;
    }
}
