using System.Net;
using MeshCA.NodeAgent;
using MeshCA.NodeAgent.Attestation;
using MeshCA.NodeAgent.Svids;
using MeshCA.NodeAgent.Sync;
using MeshCA.NodeAgent.Views;
using MeshCA.Spiffe;
using MeshCA.Testing.NodeAgent;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MeshCA.Tests.NodeAgent.Svids;

/// <summary>What the cache asks for, serves and forgets as time goes by.</summary>
public sealed class IdentityCacheTests : IDisposable
{
    private static readonly SelectorSet _web = new([
        Selector.Parse("unix:uid:1"),
        Selector.Parse("unix:path:/bin/web"),
    ]);

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly TestCa _ca = new("example.org");
    private readonly IdentityCache _cache;

    private long _revision;

    public IdentityCacheTests() =>
        _cache = new(
            new()
            {
                TrustDomain = _ca.TrustDomain,
                DataDir = "/nowhere",
                Server = new DnsEndPoint("localhost", 1),
                TrustBundle = new(),
                JoinToken = new(),
            },
            _time,
            NullLogger<IdentityCache>.Instance
        );

    public void Dispose() => _ca.Dispose();

    [Fact]
    public void Open_NotInSync_NothingIsSaid()
    {
        var view = _cache.Open(_web);

        Assert.Null(view.Current);
        Assert.Empty(_cache.TakeJobs(10));
    }

    [Theory]
    [InlineData("unix:uid:1", true)]
    [InlineData("unix:uid:1 unix:path:/bin/web", true)]
    [InlineData("unix:path:/bin/web", true)]
    [InlineData("unix:uid:1 unix:path:/bin/other", false)]
    [InlineData("unix:uid:1 unix:path:/bin/web unix:gid:1", false)]
    [InlineData("unix:uid:2", false)]
    public void Entry_SelectorsSubsetOfTheProcess_IsItsOwn(string selectors, bool matches)
    {
        var before = _cache.Open(_web);
        _cache.ApplySnapshot([Entry("a", selectors)], [_ca.Bundle]);
        _cache.ApplyChange([Entry("b", selectors)], [], [], []);

        // The same whether the workload or the entry came first.
        Assert.Equal(matches ? 2 : 0, before.Slots.Count);
        Assert.Equal(matches ? 2 : 0, Fresh([Entry("a", selectors), Entry("b", selectors)]).Slots.Count);
    }

    [Fact]
    public void Svid_HalfItsLife_IsAskedForAnewAndServedMeanwhile()
    {
        var view = Fresh([Entry("a", "unix:uid:1")]);
        Issue(TimeSpan.FromHours(1));
        Advance(TimeSpan.FromMilliseconds(10));
        var first = Assert.Single(view.Current!.Identities).Svid;

        Advance(TimeSpan.FromMinutes(23));
        Assert.Empty(_cache.TakeJobs(10));
        Advance(TimeSpan.FromMinutes(14));
        var job = Assert.Single(_cache.TakeJobs(10));
        Assert.Same(first, Assert.Single(view.Current.Identities).Svid);
        Complete(job, TimeSpan.FromHours(1));
        Advance(TimeSpan.FromMilliseconds(10));

        Assert.NotSame(first, Assert.Single(view.Current!.Identities).Svid);
        Assert.Equal(1, _cache.SvidsHeld);
    }

    [Fact]
    public void Svid_Expired_IsAwaitedNotServed()
    {
        var view = Fresh([Entry("a", "unix:uid:1")]);
        Issue(TimeSpan.FromHours(1));

        Advance(TimeSpan.FromMinutes(61));

        Assert.Empty(view.Current!.Identities);
        Assert.Equal(1, view.Current.EntryCount);
        Assert.Equal("spiffe://example.org/a", Assert.Single(view.Current.Awaited).ToString());
        Assert.Equal(0, _cache.SvidsHeld);
    }

    [Fact]
    public void Jobs_ManyDue_MissingSvidsComeBeforeRenewals()
    {
        Fresh([Entry("a", "unix:uid:1")]);
        Issue(TimeSpan.FromHours(1));
        Advance(TimeSpan.FromMinutes(40));
        _cache.ApplyChange([Entry("b", "unix:uid:1")], [], [], []);

        Assert.Equal(["b", "a"], _cache.TakeJobs(10).Select(j => j.Entry.Id));
    }

    [Fact]
    public void Jobs_Failing_BackOffAndComeBack()
    {
        var view = Fresh([Entry("a", "unix:uid:1"), Entry("b", "unix:uid:1")]);
        var jobs = _cache.TakeJobs(10);
        _cache.Complete([
            new(jobs[0], null, "no", Unavailable: false),
            new(jobs[1], Svid(jobs[1], TimeSpan.FromHours(1)), "", false),
        ]);

        Advance(TimeSpan.FromMilliseconds(10));

        // The other is served without waiting for the one that failed.
        Assert.Equal("spiffe://example.org/b", Assert.Single(view.Current!.Identities).Svid.SpiffeId.ToString());
        Assert.Empty(_cache.TakeJobs(10));
        Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("a", Assert.Single(_cache.TakeJobs(10)).Entry.Id);
    }

    [Fact]
    public void Jobs_Returned_AreTakenAgain()
    {
        Fresh([Entry("a", "unix:uid:1")]);

        _cache.Return(_cache.TakeJobs(10));

        Assert.Single(_cache.TakeJobs(10));
    }

    [Fact]
    public void View_SomeSvidsLate_WaitsASecondThenServesWhatThereIs()
    {
        var view = Fresh([Entry("a", "unix:uid:1"), Entry("b", "unix:uid:1")]);
        Complete(_cache.TakeJobs(10)[1], TimeSpan.FromHours(1));
        Advance(TimeSpan.FromMilliseconds(500));
        Assert.False(view.Current!.IsReady);

        Advance(TimeSpan.FromMilliseconds(600));

        Assert.True(view.Current!.IsReady);
        Assert.Single(view.Current.Identities);
        Assert.True(view.Current.DefaultAwaited);
    }

    [Fact]
    public void View_NobodyComesBack_KeysAreForgottenAfterAWhile()
    {
        Unused([Entry("a", "unix:uid:1")]);
        Issue(TimeSpan.FromHours(1));
        Assert.Equal(1, _cache.SvidsHeld);

        Advance(TimeSpan.FromMinutes(4));
        Assert.Equal(1, _cache.SvidsHeld);
        Advance(TimeSpan.FromMinutes(2));

        Assert.Equal(0, _cache.SvidsHeld);
    }

    [Fact]
    public void View_SomebodyListens_KeysStay()
    {
        Fresh([Entry("a", "unix:uid:1")]);
        Issue(TimeSpan.FromHours(1));

        Advance(TimeSpan.FromMinutes(20));

        Assert.Equal(1, _cache.SvidsHeld);
    }

    [Fact]
    public void Snapshot_WithoutAnEntry_DropsItsSvid()
    {
        var view = Fresh([Entry("a", "unix:uid:1"), Entry("b", "unix:uid:1")]);
        Issue(TimeSpan.FromHours(1));
        Advance(TimeSpan.FromMilliseconds(10));

        _cache.ApplySnapshot([Entry("b", "unix:uid:1", revision: 2)], [_ca.Bundle]);
        Advance(TimeSpan.FromMilliseconds(10));

        Assert.Equal("spiffe://example.org/b", Assert.Single(view.Current!.Identities).Svid.SpiffeId.ToString());
        Assert.Equal(1, _cache.SvidsHeld);
    }

    [Fact]
    public void Views_ManyChanges_SubscribersAreToldSeldom()
    {
        var view = Fresh([]);
        var told = 0;
        using var subscription = view.Subscribe(() => told++);

        for (var i = 0; i < 1_000; i++)
        {
            _cache.ApplyChange([Entry($"{i:d4}", "unix:uid:1")], [], [], []);
        }

        Assert.InRange(told, 0, 2);
        Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1_000, view.Current!.EntryCount);
    }

    /// <summary>A view in use, of a cache in sync.</summary>
    private WorkloadView Fresh(AgentEntry[] entries)
    {
        var view = Unused(entries);
        view.Subscribe(static () => { });
        return view;
    }

    private WorkloadView Unused(AgentEntry[] entries)
    {
        _cache.ApplySnapshot(entries, [_ca.Bundle]);
        return _cache.Open(_web);
    }

    private AgentEntry Entry(string id, string selectors, long revision = 0) =>
        new()
        {
            Id = id,
            SpiffeId = SpiffeId.Parse($"spiffe://example.org/{id}"),
            Selectors = [.. selectors.Split(' ').Select(s => Selector.Parse(s)).Order()],
            Revision = revision > 0 ? revision : ++_revision,
        };

    private void Issue(TimeSpan ttl) =>
        _cache.Complete([.. _cache.TakeJobs(500).Select(j => new JobOutcome(j, Svid(j, ttl), "", Unavailable: false))]);

    private void Complete(IssueJob job, TimeSpan ttl) =>
        _cache.Complete([new(job, Svid(job, ttl), "", Unavailable: false)]);

    private WorkloadSvid Svid(IssueJob job, TimeSpan ttl)
    {
        var key = KeyAndCsr.Generate();
        var now = _time.GetUtcNow();
        var leaf = _ca.Issue(key.Csr, job.Entry.SpiffeId.ToString(), now, ttl);
        return new(job.Entry.SpiffeId, leaf, [], key.Pkcs8, now, job.Entry.Revision);
    }

    /// <summary>In steps, with the clock's ticks in between.</summary>
    private void Advance(TimeSpan by)
    {
        var end = _time.GetUtcNow() + by;
        while (true)
        {
            var next = _cache.Tick();
            var step = (next < end ? next : end) - _time.GetUtcNow();
            _time.Advance(step > TimeSpan.FromMilliseconds(1) ? step : TimeSpan.FromMilliseconds(1));
            if (_time.GetUtcNow() >= end)
            {
                _cache.Tick();
                return;
            }
        }
    }
}
