using System.Net;
using Grpc.Core;
using MeshCA.Spiffe;
using MeshCA.Testing.NodeAgent;

namespace MeshCA.Tests.NodeAgent;

/// <summary>How the agent gets, keeps and loses its own identity, against a server over real TLS.</summary>
public sealed class NodeIdentityTests : AgentTests
{
    private string StateFile => Path.Combine(Options.DataDir, "node.json");

    [Fact]
    public async Task Start_AnswerToAttestIsLost_SameKeyAsksAgainAndWins()
    {
        Server.LostAnswers = 2;

        await StartSyncedAgentAsync();

        Assert.Equal(3, Server.Attests.Count);
        Assert.NotEmpty(Server.Tokens["token-1"]);
    }

    [Fact]
    public async Task Start_KilledBetweenRedemptionAndAnswer_NextStartUsesTheStoredKey()
    {
        Server.LostAnswers = int.MaxValue;
        await StartAgentAsync();
        await WaitAsync(() => !Server.Attests.IsEmpty);
        await RestartAsync(() => Server.LostAnswers = 0);

        await WaitAsync(() => Agent!.Status.IsInSync);
    }

    [Fact]
    public async Task Start_SecondTime_KeepsIdentityWithoutAToken()
    {
        await StartSyncedAgentAsync();
        var attests = Server.Attests.Count;
        await RestartAsync(() => Server.Tokens.Clear());

        await WaitAsync(() => Agent!.Status.IsInSync);

        Assert.Equal(attests, Server.Attests.Count);
        Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(StateFile));
        Assert.False(File.Exists(StateFile + ".tmp"));
    }

    [Fact]
    public async Task Run_ShortAgentTtl_RenewsWithNewKeysAndUsesThem()
    {
        Server.AgentTtl = TimeSpan.FromSeconds(4);
        await StartSyncedAgentAsync();

        await WaitAsync(() => Server.Renewals.Count >= 3);
        await WaitAsync(() => Server.CallerSerials.Distinct(StringComparer.Ordinal).Count() >= 3);

        Assert.Equal(3, Server.Renewals.Take(3).Select(r => r.Csr.ToBase64()).Distinct(StringComparer.Ordinal).Count());
        Assert.Single(Server.Attests);
    }

    [Fact]
    public async Task Renewal_ServerAway_ResumesByItself()
    {
        Server.AgentTtl = TimeSpan.FromSeconds(30);
        await StartSyncedAgentAsync();
        await Server.StopAsync();
        await WaitAsync(() =>
            Agent!.Status.GetReadiness().Components.Any(c => c is { Name: "server", Status: "degraded" })
        );
        var before = Server.Hellos.Count;

        await Server.StartAsync(Ct);
        var back = TimeProvider.System.GetTimestamp();
        await WaitAsync(() => Server.Hellos.Count > before);

        Assert.True(TimeProvider.System.GetElapsedTime(back) < TimeSpan.FromSeconds(10));
        Assert.True(Agent!.Status.GetReadiness().Ready);
    }

    [Fact]
    public async Task Start_ServerAway_StartsAndHoldsStreamsUntilItIsThere()
    {
        Server.AddEntry("spiffe://example.org/web", OwnUidSelector);
        await Server.StopAsync();
        await StartAgentAsync();
        using var call = FetchX509Svid();
        var reading = call.ResponseStream.MoveNext(Ct);
        Assert.True(await IsSilentAsync(call, reading));
        Assert.False(Agent!.Status.GetReadiness().Ready);

        await Server.StartAsync(Ct);

        Assert.True(await reading.WaitAsync(TimeSpan.FromSeconds(15), Ct));
        Assert.Equal(["spiffe://example.org/web"], Ids(call.ResponseStream.Current));
    }

    [Fact]
    public async Task Start_UnknownToken_SaysSoWithTheRemedyAndTakesANewOne()
    {
        ErrorsExpected = true;
        var tokenFile = Path.Combine(Dir, "token");
        await File.WriteAllTextAsync(tokenFile, "unknown\n", Ct);
        Agent = await AgentHost.StartAsync(Options with { JoinToken = new() { TokenFile = tokenFile } }, Ct);
        await WaitAsync(() => Agent.Logs.Any(l => l.Text.Contains("meshca token create", StringComparison.Ordinal)));
        Assert.DoesNotContain(Agent.Logs, l => l.Text.Contains("unknown\"", StringComparison.Ordinal));

        await File.WriteAllTextAsync(tokenFile, "token-1\n", Ct);

        await WaitAsync(() => Agent.Status.IsInSync);
    }

    [Fact]
    public async Task Run_EvictedAndGivenANewToken_AttestsAnew()
    {
        ErrorsExpected = true;
        var tokenFile = Path.Combine(Dir, "token");
        await File.WriteAllTextAsync(tokenFile, "token-1", Ct);
        Agent = await AgentHost.StartAsync(Options with { JoinToken = new() { TokenFile = tokenFile } }, Ct);
        await WaitAsync(() => Agent.Status.IsInSync);

        Server.Refusal = new(StatusCode.Unauthenticated, "the agent was evicted");
        await Server.StopAsync();
        await Server.StartAsync(Ct);
        await WaitAsync(() => Agent.Logs.Any(l => l.Text.Contains("evicted", StringComparison.Ordinal)));
        Server.Tokens["token-2"] = [];
        await File.WriteAllTextAsync(tokenFile, "token-2", Ct);
        await WaitAsync(() => Server.Attests.Count == 2);
        Server.Refusal = null;

        await WaitAsync(() => Server.SyncStreams == 1);
        Assert.Equal("token-2", Server.Attests.Last().JoinToken);
    }

    [Fact]
    public async Task Run_Banned_AsksSeldomAndServesOn()
    {
        ErrorsExpected = true;
        Server.AddEntry("spiffe://example.org/web", OwnUidSelector);
        await StartSyncedAgentAsync();
        using var first = FetchX509Svid();
        await NextAsync(first);

        Server.Refusal = new(StatusCode.PermissionDenied, "the agent is banned");
        await Server.StopAsync();
        await Server.StartAsync(Ct);
        await WaitAsync(() => Agent!.Logs.Any(l => l.Text.Contains("unban", StringComparison.Ordinal)));
        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, Ct);

        Assert.InRange(Agent!.Logs.Count(l => l.Text.Contains("unban", StringComparison.Ordinal)), 1, 3);
        using var second = FetchX509Svid();
        Assert.Single((await NextAsync(second)).Svids);
    }

    [Fact]
    public async Task Start_ServerOfAnotherName_IsNotTrusted()
    {
        await Server.StopAsync();
        Server.ServerId = "spiffe://example.org/web";
        await Server.StartAsync(Ct);

        await StartAgentAsync();
        await WaitAsync(() =>
            Agent!.Logs.Any(l => l.Text.Contains("the server is spiffe://example.org/web", StringComparison.Ordinal))
        );

        Assert.Empty(Server.Attests);
    }

    [Fact]
    public async Task Start_ServerOfAnotherCa_IsNotTrusted()
    {
        using var stranger = new TestCa("example.org");
        var options = Options;
        await File.WriteAllTextAsync(options.TrustBundle.File!, stranger.Bundle.ToPem(), Ct);

        Agent = await AgentHost.StartAsync(options, Ct);
        await WaitAsync(() => Agent.Logs.Any(l => l.Text.Contains("certificate is refused", StringComparison.Ordinal)));

        Assert.Empty(Server.Attests);
    }

    [Fact]
    public async Task Start_InsecureBootstrap_WarnsAndLearnsTheBundle()
    {
        Agent = await AgentHost.StartAsync(Options with { TrustBundle = new() { InsecureBootstrap = true } }, Ct);
        await WaitAsync(() => Agent.Status.IsInSync);

        Assert.Contains(Agent.Logs, l => l.Text.Contains("insecureBootstrap", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Run_BundlePushed_IsStoredForTheNextStart()
    {
        using var second = new TestCa("example.org");
        await StartSyncedAgentAsync();
        Server.SetOwnBundle(new(Server.Ca.TrustDomain, [Server.Ca.Root, second.Root], sequenceNumber: 7));

        await WaitAsync(() => Server.Reports.Any(r => r.BundleSequence == 7));

        var stored = await File.ReadAllTextAsync(StateFile, Ct);
        Assert.Contains("\"sequenceNumber\":7", stored, StringComparison.Ordinal);
        using var document = System.Text.Json.JsonDocument.Parse(stored);
        var roots = document.RootElement.GetProperty("bundle").GetProperty("x509Authorities");
        Assert.Equal(second.Root.ToArray(), roots[1].GetBytesFromBase64());
    }

    [Fact]
    public async Task Start_DataDirIsAFile_SaysSo()
    {
        var options = Options;
        await File.WriteAllTextAsync(options.DataDir, "", Ct);

        var refused = await Assert.ThrowsAsync<MeshCaException>(() => AgentHost.StartAsync(options, Ct));

        Assert.Equal(ErrorKind.FailedPrecondition, refused.Kind);
        Assert.Contains(options.DataDir, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_DataDirOfARunningAgent_IsRefused()
    {
        await StartSyncedAgentAsync();

        var refused = await Assert.ThrowsAsync<MeshCaException>(() =>
            AgentHost.StartAsync(Options with { SocketPath = Path.Combine(Dir, "second.sock") }, Ct)
        );

        Assert.Contains("this agent's alone", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{\"version\":2,\"trustDomain\":\"example.org\"}")]
    [InlineData("{\"version\":1,\"trustDomain\":\"other.example\"}")]
    [InlineData("{\"version\":1,\"trustDomain\":\"UPPER\"}")]
    [InlineData("{\"version\":1,\"trustDomain\":\"example.org\",\"surprise\":1}")]
    [InlineData("{\"version\":1,\"trustDomain\":\"example.org\",\"key\":\"%\"}")]
    public async Task Start_DamagedStateFile_NamesItAndTheRemedy(string content)
    {
        Directory.CreateDirectory(Options.DataDir);
        await File.WriteAllTextAsync(StateFile, content, Ct);

        var refused = await Assert.ThrowsAsync<MeshCaException>(() => AgentHost.StartAsync(Options, Ct));

        Assert.StartsWith(StateFile, refused.Message, StringComparison.Ordinal);
        Assert.Contains("remove it", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_NameHasADeadAddressToo_OtherIsUsed()
    {
        // localhost is ::1 and 127.0.0.1 where there is IPv6; the server listens on the second only.
        Agent = await AgentHost.StartAsync(Options with { Server = new DnsEndPoint("localhost", Server.Port) }, Ct);

        await WaitAsync(() => Agent.Status.IsInSync);
    }

    private async Task RestartAsync(Action between)
    {
        await Agent!.StopAsync();
        await Agent.DisposeAsync();
        Agent = null;
        between();
        await StartAgentAsync();
    }
}
