using Grpc.Core;
using MeshCA.NodeAgent.Svids;
using MeshCA.Sds;
using MeshCA.Spiffe;
using Microsoft.Extensions.DependencyInjection;

namespace MeshCA.Tests.NodeAgent;

/// <summary>How SVIDs are asked for, renewed, kept while the server is away, and dropped.</summary>
public sealed class SvidTests : AgentTests
{
    [Fact]
    public async Task Entry_ForNobodyHere_IsNotIssued()
    {
        Server.AddEntry("spiffe://example.org/other", "unix:uid:4294967294");
        Server.AddEntry("spiffe://example.org/web", OwnUidSelector);
        await StartSyncedAgentAsync();
        using var call = FetchX509Svid();
        await NextAsync(call);

        Assert.Equal("spiffe://example.org/web", Assert.Single(Server.Issued));
        Assert.Equal(1, Agent!.Status.SvidsHeld);
    }

    [Fact]
    public async Task Renewal_ShortTtl_NewSvidsComeBeforeTheOldEnd()
    {
        Server.SvidTtl = TimeSpan.FromSeconds(3);
        Server.AddEntry("spiffe://example.org/web", OwnUidSelector);
        await StartSyncedAgentAsync();
        using var call = FetchX509Svid();

        for (var i = 0; i < 4; i++)
        {
            var svid = Assert.Single((await NextAsync(call)).Svids);
            var left = CertificateFields.Read(svid.X509Svid.Memory).NotAfter - TimeProvider.System.GetUtcNow();
            Assert.True(left > TimeSpan.FromSeconds(1.5), $"only {left} left");
        }
    }

    [Fact]
    public async Task Renewal_ServerAwayUntilExpiry_ExpiredIsNotServedAndComesBack()
    {
        ErrorsExpected = true;
        Server.SvidTtl = TimeSpan.FromSeconds(3);
        Server.AddEntry("spiffe://example.org/web", OwnUidSelector);
        await StartSyncedAgentAsync();
        using var open = FetchX509Svid();
        await NextAsync(open);
        await Server.StopAsync();
        await WaitAsync(() => Agent!.Status.SvidsHeld == 0);

        // A new stream waits; the open one is not ended: the workload has an entry, its SVID is just late.
        using var late = FetchX509Svid();
        var reading = late.ResponseStream.MoveNext(Ct);
        Assert.True(await IsSilentAsync(late, reading));
        var back = TimeProvider.System.GetTimestamp();
        await Server.StartAsync(Ct);

        Assert.True(await reading.WaitAsync(TimeSpan.FromSeconds(10), Ct));
        Assert.True(TimeProvider.System.GetElapsedTime(back) < TimeSpan.FromSeconds(10));
        await NextAsync(open);
    }

    [Fact]
    public async Task Entry_Changed_SvidIsIssuedAnew()
    {
        var entry = Server.AddEntry("spiffe://example.org/web", OwnUidSelector);
        await StartSyncedAgentAsync();
        using var call = FetchX509Svid();
        var before = Assert.Single((await NextAsync(call)).Svids);

        Server.UpdateEntry(entry, e => e.DnsNames.Add("web.example.org"));
        var after = Assert.Single((await NextAsync(call)).Svids);

        Assert.NotEqual(before.X509Svid, after.X509Svid);
        Assert.NotEqual(before.X509SvidKey, after.X509SvidKey);
    }

    [Fact]
    public async Task Entry_SpiffeIdChanged_OldOneIsGoneAtOnce()
    {
        var entry = Server.AddEntry("spiffe://example.org/old", OwnUidSelector);
        await StartSyncedAgentAsync();
        using var call = FetchX509Svid();
        await NextAsync(call);

        Server.UpdateEntry(entry, e => e.SpiffeId = "spiffe://example.org/new");

        Assert.Equal(["spiffe://example.org/new"], Ids(await NextAsync(call)));
    }

    [Fact]
    public async Task Sync_Reconnects_ResumesByRevision()
    {
        Server.AddEntry("spiffe://example.org/web", OwnUidSelector);
        await StartSyncedAgentAsync();
        await Server.StopAsync();
        await Server.StartAsync(Ct);
        await WaitAsync(() => Server.Hellos.Count >= 2);

        var resumed = Server.Hellos.Last();

        Assert.Equal("store-1", resumed.StoreId);
        Assert.True(resumed.Revision > 1);
        Assert.Equal(("", 0L), (Server.Hellos.First().StoreId, Server.Hellos.First().Revision));
    }

    [Fact]
    public async Task Sync_OtherStore_SnapshotReplacesEverything()
    {
        var gone = Server.AddEntry("spiffe://example.org/gone", OwnUidSelector);
        await StartSyncedAgentAsync();
        using var call = FetchX509Svid();
        await NextAsync(call);
        await Server.StopAsync();
        Server.RemoveEntry(gone.Id);
        Server.AddEntry("spiffe://example.org/here", OwnUidSelector);
        Server.StoreId = "store-2";
        await Server.StartAsync(Ct);

        Assert.Equal(["spiffe://example.org/here"], Ids(await NextAsync(call)));
    }

    [Fact]
    public async Task Sync_BadEntry_OthersAreServed()
    {
        ErrorsExpected = true;
        Server.AddEntry("http://example.org/bad", OwnUidSelector);
        Server.AddEntry("spiffe://example.org/no-selector");
        Server.AddEntry("spiffe://example.org/good", OwnUidSelector);
        await StartSyncedAgentAsync();
        using var call = FetchX509Svid();

        Assert.Equal(["spiffe://example.org/good"], Ids(await NextAsync(call)));
        Assert.Contains(Agent!.Logs, l => l.Text.Contains("http://example.org/bad", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Report_AfterChange_ComesSoonAndOnce()
    {
        Server.AddEntry("spiffe://example.org/web", OwnUidSelector);
        await StartSyncedAgentAsync();
        using var call = FetchX509Svid();
        await NextAsync(call);

        await WaitAsync(() => Server.Reports.Any(r => r is { SvidsHeld: 1, SvidsPending: 0, BundleSequence: 1 }));
        var count = Server.Reports.Count;
        await Task.Delay(TimeSpan.FromMilliseconds(700), TimeProvider.System, Ct);

        Assert.Equal(count, Server.Reports.Count);
    }

    [Fact]
    public async Task Issue_ServerNeverAnswers_LaterOneDoes()
    {
        var stuck = new TaskCompletionSource();
        Server.IssueGate = stuck.Task;
        Server.AddEntry("spiffe://example.org/web", OwnUidSelector);
        await StartSyncedAgentAsync();
        using var call = FetchX509Svid();
        var reading = call.ResponseStream.MoveNext(Ct);
        await WaitAsync(() => !Server.Batches.IsEmpty);

        await Server.StopAsync();
        Server.IssueGate = Task.CompletedTask;
        await Server.StartAsync(Ct);

        Assert.True(await reading.WaitAsync(TimeSpan.FromSeconds(10), Ct));
    }

    [Fact]
    public async Task Issue_EntryFailsThenWorks_IsTriedAgain()
    {
        Server.IssueErrors["spiffe://example.org/web"] = new()
        {
            Code = (int)StatusCode.Unavailable,
            Message = "the signer is away",
        };
        Server.AddEntry("spiffe://example.org/web", OwnUidSelector);
        await StartSyncedAgentAsync();
        using var call = FetchX509Svid();
        var reading = call.ResponseStream.MoveNext(Ct);
        Assert.True(await IsSilentAsync(call, reading));

        Server.IssueErrors.Clear();

        Assert.True(await reading.WaitAsync(TimeSpan.FromSeconds(10), Ct));
    }

    [Fact]
    public async Task Feed_NotInSync_IsNullAndThenHasEverything()
    {
        Server.AddEntry("spiffe://example.org/web", OwnUidSelector);
        await Server.StopAsync();
        await StartAgentAsync();
        var cache = Agent!.Services.GetRequiredService<IdentityCache>();
        ISecretFeed feed = cache.Open(new([Selector.Parse(OwnUidSelector)]));
        Assert.Null(feed.Current);
        var swaps = 0;
        using var subscription = feed.Subscribe(() => Interlocked.Increment(ref swaps));

        await Server.StartAsync(Ct);
        await WaitAsync(() => feed.Current is not null);

        var identity = Assert.Single(feed.Current!.Identities);
        Assert.Equal("spiffe://example.org/web", identity.SpiffeId.ToString());
        Assert.Equal(Server.Ca.Bundle.X509Authorities.Length, feed.Current.Bundle.X509Authorities.Length);
        Assert.Same(feed, cache.Open(new([Selector.Parse(OwnUidSelector)])));
        Assert.True(swaps > 0);
        Assert.StartsWith(
            "-----BEGIN PRIVATE KEY-----",
            System.Text.Encoding.ASCII.GetString(identity.PrivateKeyPem.Span),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Feed_SvidCannotBeHad_IsAwaitedNotRemoved()
    {
        Server.IssueErrors["spiffe://example.org/first"] = new()
        {
            Code = (int)StatusCode.Unavailable,
            Message = "away",
        };
        Server.AddEntry("spiffe://example.org/first", OwnUidSelector);
        Server.AddEntry("spiffe://example.org/second", OwnUidSelector);
        await StartSyncedAgentAsync();
        ISecretFeed feed = Agent!
            .Services.GetRequiredService<IdentityCache>()
            .Open(new([Selector.Parse(OwnUidSelector)]));

        await WaitAsync(() => feed.Current is { Identities.Length: 1 });

        Assert.Equal("spiffe://example.org/first", Assert.Single(feed.Current!.Awaited).ToString());
        Assert.True(feed.Current.DefaultAwaited);
    }
}
