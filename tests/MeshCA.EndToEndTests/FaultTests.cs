using MeshCA.EndToEndTests.Parts;

namespace MeshCA.EndToEndTests;

/// <summary>kill -9, outages and wrong files, with real processes.</summary>
public sealed class FaultTests
{
    private const int Uid = 22001;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Server_KilledWhileIssuing_EveryDeliveredSerialIsInTheLedger()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var mesh = await Mesh.StartAsync(ct);
        var delivered = new HashSet<string>(StringComparer.Ordinal);
        var updates = 0;

        for (var round = 0; round < 3; round++)
        {
            await using var watch = await SpiffeClient.StartAsync(
                Uid,
                ["x509", "--watch", "--socket", mesh.Socket],
                ct
            );
            for (var i = 0; i < 60; i++)
            {
                await AdminApi.CreateEntryAsync(
                    mesh.Admin,
                    $"spiffe://example.org/k/{round}/{i}",
                    $"unix:uid:{Uid}",
                    ct,
                    "x509SvidTtl=1h"
                );
            }

            // Somewhere in the middle of the issuance of those.
            await mesh.Server!.KillAsync(ct);
            await mesh.StartServerAsync(ct);
            await watch.LineAsync(l => l.Contains($"/k/{round}/59\"", StringComparison.Ordinal), _patience, ct);
            foreach (var line in SpiffeClient.Json(watch.Out).Where(static l => l["serial"] is not null))
            {
                delivered.Add(line["serial"]!.GetValue<string>().PadLeft(32, '0'));
                updates++;
            }
        }

        using var api = new AdminApi(mesh.Admin);
        var ledger = (await api.AllAsync("/v1/identities", ct))
            .Select(static i => i["serial"]!.GetValue<string>().PadLeft(32, '0'))
            .ToHashSet(StringComparer.Ordinal);
        TestContext.Current.SendDiagnosticMessage(
            $"{delivered.Count} serials in {updates} lines delivered over 3 kills; ledger has {ledger.Count}"
        );
        Assert.True(delivered.Count >= 180, $"{delivered.Count} serials were delivered");
        Assert.Empty(delivered.Except(ledger, StringComparer.Ordinal));
    }

    [Fact]
    public async Task Agent_KilledAndRestarted_KeepsItsIdentity()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var mesh = await Mesh.StartAsync(ct);
        await AdminApi.CreateEntryAsync(mesh.Admin, "spiffe://example.org/a", $"unix:uid:{Uid}", ct);
        await ServedAsync(mesh, ct);
        var before = await AgentsAsync(mesh, ct);

        for (var i = 0; i < 3; i++)
        {
            await mesh.Agent!.KillAsync(ct);
            await mesh.StartAgentAsync(ct);
            await ServedAsync(mesh, ct);
        }

        Assert.Equal(before, await AgentsAsync(mesh, ct));
    }

    [Fact]
    public async Task Agent_KilledDuringAttestation_IsEnrolledAllTheSame()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var mesh = await Mesh.StartAsync(ct);
        await AdminApi.CreateEntryAsync(mesh.Admin, "spiffe://example.org/a", $"unix:uid:{Uid}", ct);
        await mesh.Agent!.KillAsync(ct);

        // The same token and data directory, killed at ever later moments of its first start.
        for (var delay = 100; delay <= 500; delay += 100)
        {
            Directory.Delete(mesh.Dir["agent"], recursive: true);
            await mesh.EnrolAsync(ct);
            await using (var agent = Program.Start(Meshca.Binary, ["agent", "run", "--config", mesh.AgentConfig]))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(delay), TimeProvider.System, ct);
                await agent.KillAsync(ct);
            }

            await mesh.StartAgentAsync(ct);
            await ServedAsync(mesh, ct);
            await mesh.Agent!.KillAsync(ct);
        }
    }

    [Fact]
    public async Task Agent_ServerAwayAtStart_ServesOnceItIsThere()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var mesh = await Mesh.StartAsync(ct);
        await AdminApi.CreateEntryAsync(mesh.Admin, "spiffe://example.org/a", $"unix:uid:{Uid}", ct);
        await ServedAsync(mesh, ct);
        await mesh.Server!.KillAsync(ct);
        await mesh.Agent!.KillAsync(ct);

        await mesh.StartAgentAsync(ct);
        await using var watch = await SpiffeClient.StartAsync(Uid, ["x509", "--watch", "--socket", mesh.Socket], ct);
        await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System, ct);
        Assert.DoesNotContain(watch.Out, static l => l.Contains("PermissionDenied", StringComparison.Ordinal));
        await mesh.StartServerAsync(ct);

        await watch.LineAsync(
            static l => l.Contains("\"verified\":true", StringComparison.Ordinal),
            TimeSpan.FromSeconds(10),
            ct
        );
    }

    [Fact]
    public async Task Renewal_ServerAwayForLongerThanTheInterval_ResumesWithinTenSeconds()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var mesh = await Mesh.StartAsync(ct);
        await AdminApi.CreateEntryAsync(mesh.Admin, "spiffe://example.org/a", $"unix:uid:{Uid}", ct, "x509SvidTtl=30s");
        await using var watch = await SpiffeClient.StartAsync(Uid, ["x509", "--watch", "--socket", mesh.Socket], ct);
        await watch.LineAsync(static l => l.Contains("\"verified\":true", StringComparison.Ordinal), _patience, ct);

        await mesh.Server!.KillAsync(ct);
        // Longer than the renewal interval (at most 0.6 x 30 s), shorter than what is left then.
        await Task.Delay(TimeSpan.FromSeconds(22), TimeProvider.System, ct);
        var (code, lines, _) = await SpiffeClient.RunAsync(Uid, ["x509", "--socket", mesh.Socket], ct);
        Assert.True(code == 0, "the SVID is gone while it is still valid");
        var old = lines[0]["serial"]!.GetValue<string>();
        await mesh.StartServerAsync(ct);

        await watch.LineAsync(
            l =>
                l.Contains("\"verified\":true", StringComparison.Ordinal) && !l.Contains(old, StringComparison.Ordinal),
            TimeSpan.FromSeconds(10),
            ct
        );
    }

    [Theory]
    [InlineData("symlink")]
    [InlineData("file")]
    [InlineData("directory")]
    public async Task AgentSocket_PathIsTaken_IsRefused(string kind)
    {
        var ct = TestContext.Current.CancellationToken;
        using var dir = new TestDirectory();
        var path = dir["agent.sock"];
        var victim = dir.Write("victim", "precious");
        switch (kind)
        {
            case "symlink":
                File.CreateSymbolicLink(path, victim);
                break;
            case "file":
                dir.Write("agent.sock", "precious");
                break;
            default:
                Directory.CreateDirectory(path);
                break;
        }

        dir.Write("bundle.pem", "");
        var config = dir.Write(
            "agent.yaml",
            $"trustDomain: example.org\ndataDir: {dir["agent"]}\nserver: 127.0.0.1:1\ntrustBundle: {{insecureBootstrap: true}}\nattestation: {{joinToken: {{token: abc}}}}\nsocket: {path}\nmanagement: \"\"\n"
        );

        var (code, _, stderr) = await Meshca.RunAsync(ct, "agent", "run", "--config", config);

        Assert.Equal(1, code);
        Assert.Contains(path, stderr, StringComparison.Ordinal);
        Assert.Equal("precious", await File.ReadAllTextAsync(victim, ct));
        Assert.True(Path.Exists(path));
    }

    [Fact]
    public async Task Config_MisspeltKeys_AreAllNamedAtOnce()
    {
        var ct = TestContext.Current.CancellationToken;
        using var dir = new TestDirectory();
        var config = dir.Write(
            "server.yaml",
            "trustDomian: example.org\nlisten: nowhere\nsvid: {x509SvidTtl: soon}\nsigners: {root: {disc: {}}}\n"
        );

        var (code, _, stderr) = await Meshca.RunAsync(ct, "config", "validate", "--config", config);

        Assert.Equal(1, code);
        Assert.All(
            ["trustDomian", "trustDomain", "listen", "svid.x509SvidTtl", "signers.root"],
            path => Assert.Contains(path, stderr, StringComparison.Ordinal)
        );
        Assert.Equal(1, (await Meshca.RunAsync(ct, "server", "run", "--config", config)).Code);
    }

    [Fact]
    public async Task ServerRun_DataDirectoryIsAFile_IsRefused()
    {
        var ct = TestContext.Current.CancellationToken;
        using var dir = new TestDirectory();
        var file = dir.Write("data", "x");
        var config = dir.Write(
            "server.yaml",
            $"trustDomain: example.org\ndataDir: {file}\nlisten: 127.0.0.1:0\nmanagement: \"\"\n"
        );

        var (code, _, stderr) = await Meshca.RunAsync(ct, "server", "run", "--config", config);

        Assert.Equal(1, code);
        Assert.Contains(file, stderr, StringComparison.Ordinal);
    }

    private static async Task ServedAsync(Mesh mesh, CancellationToken ct)
    {
        var (code, lines, stderr) = await SpiffeClient.RunAsync(
            Uid,
            ["x509", "--timeout", "15s", "--socket", mesh.Socket],
            ct
        );
        Assert.True(
            code == 0,
            string.Join('\n', lines.Select(static l => l.ToJsonString())) + stderr + mesh.Agent!.Tail()
        );
    }

    private static async Task<string> AgentsAsync(Mesh mesh, CancellationToken ct)
    {
        using var api = new AdminApi(mesh.Admin);
        return string.Join(
            '\n',
            (await api.AllAsync("/v1/agents", ct)).Select(static a => a["id"]!.GetValue<string>())
        );
    }
}
