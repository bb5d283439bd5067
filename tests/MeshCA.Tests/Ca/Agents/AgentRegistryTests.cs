using MeshCA.Ca.Agents;
using MeshCA.Spiffe;
using MeshCA.Tests.Ca.Store;

namespace MeshCA.Tests.Ca.Agents;

public sealed class AgentRegistryTests
{
    [Fact]
    public async Task Ban_EndsStreamsAndLastsOverARestart()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        var agent = await AttestAsync(fixture, ct);
        var allowed = fixture.Agents.Require(agent.SpiffeId).Allowed;

        await fixture.Agents.BanAsync(agent.Id, dryRun: false, ct);

        Assert.True(allowed.IsCancellationRequested);
        await fixture.ReopenAsync(ct);
        var error = Assert.Throws<MeshCaException>(() => fixture.Agents.Require(agent.SpiffeId));
        Assert.Equal(ErrorKind.PermissionDenied, error.Kind);
        Assert.Contains("meshca agent unban", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unban_AllowsAgain()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        var agent = await AttestAsync(fixture, ct);
        await fixture.Agents.BanAsync(agent.Id, dryRun: false, ct);

        var status = await fixture.Agents.UnbanAsync(agent.SpiffeId.ToString(), dryRun: false, ct);

        Assert.False(status.Record.Banned);
        Assert.False(fixture.Agents.Require(agent.SpiffeId).Allowed.IsCancellationRequested);
    }

    [Fact]
    public async Task Ban_DryRun_ChangesNothing()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        var agent = await AttestAsync(fixture, ct);

        await fixture.Agents.BanAsync(agent.Id, dryRun: true, ct);

        Assert.False(fixture.Agents.Get(agent.Id).Record.Banned);
    }

    [Fact]
    public async Task Evict_ForgetsTheAgentAndEndsItsStreams()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        var agent = await AttestAsync(fixture, ct);
        var allowed = fixture.Agents.Require(agent.SpiffeId).Allowed;

        await fixture.Agents.EvictAsync(agent.Id, dryRun: false, ct);

        Assert.True(allowed.IsCancellationRequested);
        Assert.Equal(ErrorKind.NotFound, Assert.Throws<MeshCaException>(() => fixture.Agents.Get(agent.Id)).Kind);
        Assert.Throws<MeshCaException>(() => fixture.Agents.Require(agent.SpiffeId));
    }

    [Fact]
    public async Task Flush_StoresLastSeenAndSerial()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        var agent = await AttestAsync(fixture, ct);
        await fixture.Agents.RenewedAsync(
            agent,
            "0a1b",
            fixture.Time.GetUtcNow().AddHours(1),
            fixture.Time.GetUtcNow(),
            ct
        );
        fixture.Time.Advance(TimeSpan.FromMinutes(3));
        var report = new AgentReport
        {
            ReceivedAt = fixture.Time.GetUtcNow(),
            Revision = 7,
            BundleSequence = 1,
            SvidsHeld = 2,
            SvidsPending = 0,
            Sds = [],
        };
        fixture.Agents.Require(agent.SpiffeId).Report(report);
        Assert.Same(report, fixture.Agents.Get(agent.Id).Report);

        await fixture.Agents.FlushAsync(ct);
        await fixture.ReopenAsync(ct);

        var stored = fixture.Agents.Get(agent.Id);
        Assert.Equal("0a1b", stored.Record.SerialNumber);
        Assert.Equal(fixture.Time.GetUtcNow(), stored.Record.LastSeen);
        Assert.False(stored.Connected);
        Assert.Null(stored.Report);
    }

    [Fact]
    public async Task List_InPages_GivesEachOnce()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        var ids = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            ids.Add((await AttestAsync(fixture, ct)).Id);
        }

        var first = fixture.Agents.List(after: null, 2);
        var second = fixture.Agents.List(first.Next, 2);

        Assert.Equal(ids.Order(StringComparer.Ordinal), [.. first.Items.Concat(second.Items).Select(a => a.Record.Id)]);
        Assert.Null(second.Next);
    }

    private static async Task<AgentRecord> AttestAsync(StoreFixture fixture, CancellationToken ct)
    {
        var token = await fixture.Tokens.CreateAsync(ttl: null, dryRun: false, ct);
        return await fixture.Tokens.RedeemAsync(token.Token, Guid.CreateVersion7().ToByteArray(), "1.0", ct);
    }
}
