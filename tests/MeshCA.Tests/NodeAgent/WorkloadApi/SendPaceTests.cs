using System.Collections.Immutable;
using MeshCA.NodeAgent;
using MeshCA.NodeAgent.Svids;
using MeshCA.NodeAgent.Views;
using MeshCA.NodeAgent.WorkloadApi;
using MeshCA.Spiffe;
using MeshCA.Testing.NodeAgent;
using Microsoft.Extensions.Time.Testing;

namespace MeshCA.Tests.NodeAgent.WorkloadApi;

/// <summary>Floods of changes played against the pace of one stream, on a clock of our own.</summary>
public sealed class SendPaceTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly TestCa _ca = new("example.org");
    private readonly ServedBundle _bundle;
    private readonly WorkloadSvid _svid;

    public SendPaceTests()
    {
        _bundle = new(_ca.Bundle);
        _svid = Svid(TimeSpan.FromHours(1));
    }

    public void Dispose() => _ca.Dispose();

    [Theory]
    [InlineData(1_000, 0.5, 0)]
    [InlineData(1_000, 2, 0)]
    [InlineData(1_000, 2, 97)]
    [InlineData(1_000, 10, 0)]
    [InlineData(1_000, 10, 301)]
    [InlineData(5_000, 0.5, 0)]
    [InlineData(5_000, 2, 0)]
    [InlineData(5_000, 2, 997)]
    public void Flood_OneEntryAfterTheOther_FewBytesAndSoonThere(int count, double everyMs, int stutterEvery)
    {
        var pace = new SendPace(_time);
        var (sent, bytes) = (Snapshot(1), 0L);
        pace.Sent(sent);
        for (var i = 2; i <= count; i++)
        {
            var next = Snapshot(i);
            bytes += Run(pace, next, ref sent, TimeSpan.FromMilliseconds(everyMs));
            if (stutterEvery > 0 && i % stutterEvery == 0)
            {
                bytes += Run(pace, next, ref sent, TimeSpan.FromMilliseconds(100));
            }
        }

        var last = Snapshot(count);
        var ended = _time.GetUtcNow();
        while (sent.Identities.Length < count)
        {
            bytes += Run(pace, last, ref sent, TimeSpan.FromMilliseconds(5));
        }

        var late = _time.GetUtcNow() - ended;
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{count} every {everyMs} ms: {(double)bytes / last.X509Length:F1} x the last message, {late.TotalMilliseconds} ms after the last"
        );
        Assert.True(bytes <= 5L * last.X509Length, $"{(double)bytes / last.X509Length:F1} x");
        Assert.True(late <= TimeSpan.FromMilliseconds(count > 1_000 ? 2_500 : 700), $"{late}");
    }

    [Fact]
    public void LoneChange_AfterRest_GoesAtOnceWhateverTheSize()
    {
        var pace = new SendPace(_time);
        var sent = Snapshot(5_000);
        pace.Sent(sent);
        _time.Advance(TimeSpan.FromMinutes(2));

        Assert.Equal(TimeSpan.Zero, pace.Delay(Snapshot(5_001), sent));
    }

    [Fact]
    public void Renewals_NeverAtRest_ReachTheClientLongBeforeItsSvidsEnd()
    {
        var svid = Svid(TimeSpan.FromSeconds(20));
        var pace = new SendPace(_time);
        var sent = Snapshot(5_000, svid);
        pace.Sent(sent);
        _time.Advance(TimeSpan.FromSeconds(8));

        var waited = TimeSpan.Zero;
        while (pace.Delay(Snapshot(5_000, svid), sent) > TimeSpan.Zero)
        {
            _time.Advance(TimeSpan.FromMilliseconds(10));
            waited += TimeSpan.FromMilliseconds(10);
        }

        Assert.InRange(waited, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(4));
    }

    private long Run(SendPace pace, ViewSnapshot next, ref ViewSnapshot sent, TimeSpan time)
    {
        var bytes = 0L;
        var end = _time.GetUtcNow() + time;
        while (sent.Identities.Length < next.Identities.Length)
        {
            var delay = pace.Delay(next, sent);
            if (delay <= TimeSpan.Zero)
            {
                pace.Sent(next);
                sent = next;
                bytes += next.X509Length;
                break;
            }

            if (_time.GetUtcNow() + delay > end)
            {
                break;
            }

            _time.Advance(delay);
        }

        if (end > _time.GetUtcNow())
        {
            _time.Advance(end - _time.GetUtcNow());
        }

        return bytes;
    }

    private ViewSnapshot Snapshot(int count, WorkloadSvid? svid = null)
    {
        var identities = ImmutableArray.CreateRange(Enumerable.Repeat(new ViewIdentity(svid ?? _svid, ""), count));
        return new()
        {
            MadeAt = _time.GetTimestamp(),
            EntryCount = count,
            PendingCount = 0,
            IsReady = true,
            Identities = identities,
            HintedIdentities = identities,
            Awaited = [],
            DefaultAwaited = false,
            Bundle = _bundle,
            FederatedBundles = [],
            EarliestNotAfter = (svid ?? _svid).NotAfter,
        };
    }

    private WorkloadSvid Svid(TimeSpan ttl)
    {
        var key = KeyAndCsr.Generate();
        var now = _time.GetUtcNow();
        return new(
            SpiffeId.Parse("spiffe://example.org/web"),
            _ca.Issue(key.Csr, "spiffe://example.org/web", now, ttl),
            [],
            key.Pkcs8,
            now,
            1
        );
    }
}
