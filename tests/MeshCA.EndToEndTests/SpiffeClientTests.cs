using System.Text.Json.Nodes;
using MeshCA.EndToEndTests.Parts;

namespace MeshCA.EndToEndTests;

/// <summary>The reference library go-spiffe as client of the agent socket: the client that everybody has.</summary>
public sealed class SpiffeClientTests
{
    private const int WebUid = 21001;
    private const int ClientUid = 21002;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Watch_ShortTtl_EachUpdateIsVerifiedAndNew()
    {
        var ct = TestContext.Current.CancellationToken;
        using var dir = new TestDirectory();
        await using var dev = await Dev.StartAsync(dir["d"], ct);
        await dev.EntryAsync("spiffe://example.org/watch", $"unix:uid:{WebUid}", ct, "x509SvidTtl=6s");

        var (code, lines, stderr) = await SpiffeClient.RunAsync(
            WebUid,
            ["x509", "--watch", "--count", "4", "--socket", dev.Socket],
            ct
        );

        Assert.True(code == 0, stderr + dev.Program.Tail());
        Assert.Equal(4, lines.Count);
        Assert.All(lines, static l => Assert.True(l["verified"]!.GetValue<bool>(), l.ToJsonString()));
        Assert.All(lines, static l => Assert.Equal("spiffe://example.org/watch", l["spiffeId"]!.GetValue<string>()));
        Assert.Equal(
            4,
            lines.Select(static l => l["serial"]!.GetValue<string>()).Distinct(StringComparer.Ordinal).Count()
        );
    }

    [Fact]
    public async Task Mtls_BothEndsRotate_NoRequestFails()
    {
        var ct = TestContext.Current.CancellationToken;
        using var dir = new TestDirectory();
        await using var dev = await Dev.StartAsync(dir["d"], ct);
        await dev.EntryAsync("spiffe://example.org/web", $"unix:uid:{WebUid}", ct, "x509SvidTtl=6s");
        await dev.EntryAsync("spiffe://example.org/client", $"unix:uid:{ClientUid}", ct, "x509SvidTtl=6s");

        await using var server = await SpiffeClient.StartAsync(
            WebUid,
            ["serve", "--socket", dev.Socket, "--authorize", "spiffe://example.org/client"],
            ct
        );
        var listening = JsonNode.Parse(
            await server.LineAsync(static l => l.Contains("\"listening\"", StringComparison.Ordinal), _patience, ct)
        )!;
        var (code, lines, stderr) = await SpiffeClient.RunAsync(
            ClientUid,
            [
                "get",
                "--socket",
                dev.Socket,
                "--url",
                $"https://{listening["address"]}/x",
                "--authorize",
                "spiffe://example.org/web",
                "--count",
                "60",
                "--every",
                "200ms",
                "--new-conn",
            ],
            ct
        );

        Assert.True(code == 0, string.Join('\n', lines.Select(static l => l.ToJsonString())) + stderr);
        Assert.Equal(60, lines.Count);
        Assert.All(lines, static l => Assert.Equal(200, l["status"]!.GetValue<int>()));
        var servers = lines
            .Select(static l => l["peerSerial"]!.GetValue<string>())
            .Distinct(StringComparer.Ordinal)
            .Count();
        var clients = SpiffeClient
            .Json(server.Out)
            .Where(static l => l["event"]!.GetValue<string>() == "request")
            .Select(static l => l["peerSerial"]!.GetValue<string>())
            .Distinct(StringComparer.Ordinal)
            .Count();
        TestContext.Current.SendDiagnosticMessage(
            $"60 requests, 0 failed, {servers} server and {clients} client certificates"
        );
        Assert.True(servers >= 3, $"{servers} server certificates in 12 s");
        Assert.True(clients >= 3, $"{clients} client certificates in 12 s");
    }

    [Fact]
    public async Task Mtls_ClientThatIsNotAuthorized_IsRefused()
    {
        var ct = TestContext.Current.CancellationToken;
        using var dir = new TestDirectory();
        await using var dev = await Dev.StartAsync(dir["d"], ct);
        await dev.EntryAsync("spiffe://example.org/web", $"unix:uid:{WebUid}", ct);
        await dev.EntryAsync("spiffe://example.org/other", $"unix:uid:{ClientUid}", ct);

        await using var server = await SpiffeClient.StartAsync(
            WebUid,
            ["serve", "--socket", dev.Socket, "--authorize", "spiffe://example.org/client"],
            ct
        );
        var listening = JsonNode.Parse(
            await server.LineAsync(static l => l.Contains("\"listening\"", StringComparison.Ordinal), _patience, ct)
        )!;
        var (code, _, _) = await SpiffeClient.RunAsync(
            ClientUid,
            [
                "get",
                "--socket",
                dev.Socket,
                "--url",
                $"https://{listening["address"]}/x",
                "--authorize",
                "spiffe://example.org/web",
            ],
            ct
        );

        Assert.Equal(1, code);
        await server.LineAsync(static l => l.Contains("\"refused\"", StringComparison.Ordinal), _patience, ct);
    }

    [Fact]
    public async Task FederatedBundle_EntryFederates_ReachesOnlyThatWorkload()
    {
        var ct = TestContext.Current.CancellationToken;
        using var dir = new TestDirectory();
        await using var other = await Dev.StartAsync(dir["other"], ct);
        await using var dev = await Dev.StartAsync(dir["d"], ct);
        var foreign = dir.Write("foreign.pem", await Meshca.OkAsync(ct, "bundle", "show", "--admin", other.Admin));
        await Meshca.OkAsync(ct, "bundle", "set", "other.test", "--file", foreign, "--admin", dev.Admin);
        await dev.EntryAsync("spiffe://example.org/web", $"unix:uid:{WebUid}", ct, """federatesWith=["other.test"]""");
        await dev.EntryAsync("spiffe://example.org/client", $"unix:uid:{ClientUid}", ct);

        var (_, federated, _) = await SpiffeClient.RunAsync(WebUid, ["bundles", "--socket", dev.Socket], ct);
        var (_, plain, _) = await SpiffeClient.RunAsync(ClientUid, ["bundles", "--socket", dev.Socket], ct);

        Assert.Contains(federated, static l => l.ToJsonString().Contains("other.test", StringComparison.Ordinal));
        Assert.DoesNotContain(plain, static l => l.ToJsonString().Contains("other.test", StringComparison.Ordinal));
        Assert.Contains(plain, static l => l.ToJsonString().Contains("example.org", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Watch_LastEntryDeleted_EndsWithPermissionDenied()
    {
        var ct = TestContext.Current.CancellationToken;
        using var dir = new TestDirectory();
        await using var dev = await Dev.StartAsync(dir["d"], ct);
        var id = await dev.EntryAsync("spiffe://example.org/web", $"unix:uid:{WebUid}", ct);
        await using var watch = await SpiffeClient.StartAsync(WebUid, ["x509", "--watch", "--socket", dev.Socket], ct);
        await watch.LineAsync(static l => l.Contains("\"verified\":true", StringComparison.Ordinal), _patience, ct);

        using var api = new AdminApi(dev.Admin);
        await api.DeleteAsync("/v1/entries/" + id, ct);

        var line = await watch.LineAsync(static l => l.Contains("\"error\"", StringComparison.Ordinal), _patience, ct);
        Assert.Contains("PermissionDenied", line, StringComparison.Ordinal);
        Assert.Contains("no identity issued", line, StringComparison.Ordinal);
    }
}
