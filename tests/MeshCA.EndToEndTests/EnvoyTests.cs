using System.Diagnostics;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MeshCA.EndToEndTests.Parts;

namespace MeshCA.EndToEndTests;

/// <summary>Real Envoys fed by a real agent: mTLS both ways, rotation that traffic does not notice.</summary>
public sealed class EnvoyTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Mtls_BothWays_CarriesTheCallersIdentity()
    {
        var ct = TestContext.Current.CancellationToken;
        using var dir = new TestDirectory();
        await using var dev = await Dev.StartAsync(dir["d"], ct);
        await EntriesAsync(dev, "1h", ct);
        await using var pair = await EnvoyPair.StartAsync(dev.Socket, dir, live: true, ct);

        Assert.Contains(
            "URI=spiffe://example.org/web",
            await GetAsync(pair.Web, "shop ", ct),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "URI=spiffe://example.org/shop",
            await GetAsync(pair.Shop, "web ", ct),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Mtls_PeerIsNotTheExpectedId_IsRefused()
    {
        var ct = TestContext.Current.CancellationToken;
        using var dir = new TestDirectory();
        await using var dev = await Dev.StartAsync(dir["d"], ct);
        await EntriesAsync(dev, "1h", ct);
        await using var pair = await EnvoyPair.StartAsync(
            dev.Socket,
            dir,
            live: true,
            ct,
            webPeerId: "spiffe://example.org/somebody-else"
        );
        using var http = new HttpClient();

        using var response = await http.GetAsync($"http://127.0.0.1:{pair.Web.Plan.EgressPort}/", ct);

        Assert.Equal(503, (int)response.StatusCode);
        Assert.True(await pair.Web.StatAsync("ssl.fail_verify_san", ct) > 0);
    }

    [Fact]
    public async Task Ingress_NoClientCertificate_IsRefused()
    {
        var ct = TestContext.Current.CancellationToken;
        using var dir = new TestDirectory();
        await using var dev = await Dev.StartAsync(dir["d"], ct);
        await EntriesAsync(dev, "1h", ct);
        await using var pair = await EnvoyPair.StartAsync(dev.Socket, dir, live: true, ct);
        using var handler = new HttpClientHandler();
        // The peer is a test's own; what is tested is that it refuses us.
        handler.ServerCertificateCustomValidationCallback = static (_, _, _, _) => true;
        using var http = new HttpClient(handler);

        await Assert.ThrowsAsync<HttpRequestException>(() =>
            http.GetAsync($"https://127.0.0.1:{pair.Web.Plan.IngressPort}/", ct)
        );
    }

    [Fact]
    public async Task Envoy_StartedBeforeItsEntry_GoesLiveWhenItIsCreated()
    {
        var ct = TestContext.Current.CancellationToken;
        using var dir = new TestDirectory();
        await using var dev = await Dev.StartAsync(dir["d"], ct);
        await using var pair = await EnvoyPair.StartAsync(dev.Socket, dir, live: false, ct);
        await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System, ct);

        var clock = Stopwatch.StartNew();
        await EntriesAsync(dev, "1h", ct);
        await pair.LiveAsync(ct);

        TestContext.Current.SendDiagnosticMessage(
            $"entries created -> both Envoys live: {clock.ElapsedMilliseconds} ms"
        );
        await GetAsync(pair.Web, "shop ", ct);
    }

    [Fact]
    public async Task Rotation_UnderLoadForThreeMinutes_FailsNothing()
    {
        var ct = TestContext.Current.CancellationToken;
        using var dir = new TestDirectory();
        await using var dev = await Dev.StartAsync(dir["d"], ct);
        await EntriesAsync(dev, "20s", ct);
        await using var pair = await EnvoyPair.StartAsync(dev.Socket, dir, live: true, ct);
        await GetAsync(pair.Web, "shop ", ct);
        await GetAsync(pair.Shop, "web ", ct);
        var served = (
            Web: new HashSet<string>(StringComparer.Ordinal),
            Shop: new HashSet<string>(StringComparer.Ordinal)
        );
        var held = (
            Web: new HashSet<string>(StringComparer.Ordinal),
            Shop: new HashSet<string>(StringComparer.Ordinal)
        );

        await using var toShop = new HttpLoad(pair.Web.Plan.EgressPort, "shop ");
        await using var toWeb = new HttpLoad(pair.Shop.Plan.EgressPort, "web ");
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < TimeSpan.FromSeconds(185))
        {
            served.Web.Add(await ServedSerialAsync(pair.Web.Plan.IngressPort, ct));
            served.Shop.Add(await ServedSerialAsync(pair.Shop.Plan.IngressPort, ct));
            held.Web.UnionWith(await pair.Web.SerialsAsync(ct));
            held.Shop.UnionWith(await pair.Shop.SerialsAsync(ct));
            await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, ct);
        }

        await toShop.StopAsync();
        await toWeb.StopAsync();
        var counts =
            $"{clock.Elapsed.TotalSeconds:0} s: web->shop {toShop.Requests} requests, {toShop.Failures.Count} failed; "
            + $"shop->web {toWeb.Requests}, {toWeb.Failures.Count} failed; serials on new connections: web {served.Web.Count}, shop {served.Shop.Count}; "
            + $"held: web {held.Web.Count}, shop {held.Shop.Count}; restarts: 0";
        TestContext.Current.SendDiagnosticMessage(counts);
        TestContext.Current.TestOutputHelper!.WriteLine(counts);
        Assert.False(pair.Web.Program.HasExited, pair.Web.Program.Tail());
        Assert.False(pair.Shop.Program.HasExited, pair.Shop.Program.Tail());
        Assert.True(toShop.Failures.Count == 0, counts + "\n" + string.Join('\n', toShop.Failures.Take(10)));
        Assert.True(toWeb.Failures.Count == 0, counts + "\n" + string.Join('\n', toWeb.Failures.Take(10)));
        // At least eight rotations of each side: nine certificates, each seen on a new connection.
        Assert.True(served.Web.Count >= 9 && served.Shop.Count >= 9, counts);
        Assert.True(served.Web.SetEquals(held.Web) && served.Shop.SetEquals(held.Shop), counts);
        Assert.Equal(
            0,
            await pair.Web.StatAsync("update_rejected", ct) + await pair.Shop.StatAsync("update_rejected", ct)
        );
    }

    [Fact]
    public async Task Server_AwayForLongerThanARenewal_TrafficGoesOnAndRenewalResumes()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var mesh = await Mesh.StartAsync(ct);
        await AdminApi.CreateEntryAsync(
            mesh.Admin,
            "spiffe://example.org/web",
            $"unix:uid:{EnvoyPair.WebUid}",
            ct,
            "x509SvidTtl=40s"
        );
        await AdminApi.CreateEntryAsync(
            mesh.Admin,
            "spiffe://example.org/shop",
            $"unix:uid:{EnvoyPair.ShopUid}",
            ct,
            "x509SvidTtl=40s"
        );
        await using var pair = await EnvoyPair.StartAsync(mesh.Socket, mesh.Dir, live: true, ct);
        await GetAsync(pair.Web, "shop ", ct);
        await using var load = new HttpLoad(pair.Web.Plan.EgressPort, "shop ");
        var before = await pair.Shop.SerialsAsync(ct);

        await mesh.Server!.KillAsync(ct);
        // Past the latest renewal time (0.6 x 40 s), within what is left of the certificates.
        await Task.Delay(TimeSpan.FromSeconds(26), TimeProvider.System, ct);
        var during = load.Requests;
        Assert.True(load.Failures.Count == 0, string.Join('\n', load.Failures.Take(10)));
        await mesh.StartServerAsync(ct);
        var clock = Stopwatch.StartNew();
        await Eventually.TrueAsync(
            async () => !(await pair.Shop.SerialsAsync(ct)).Intersect(before, StringComparer.Ordinal).Any(),
            TimeSpan.FromSeconds(10),
            () => "no renewal within 10 s\n" + mesh.Agent!.Tail(),
            ct
        );

        await load.StopAsync();
        TestContext.Current.SendDiagnosticMessage(
            $"{during} requests while the server was away, {load.Failures.Count} failed; renewed {clock.Elapsed.TotalSeconds:0.0} s after its return"
        );
        Assert.True(load.Failures.Count == 0, string.Join('\n', load.Failures.Take(10)));
    }

    [Fact]
    public async Task GoSpiffe_AgainstEnvoy_BothWays()
    {
        var ct = TestContext.Current.CancellationToken;
        using var dir = new TestDirectory();
        await using var dev = await Dev.StartAsync(dir["d"], ct);
        await EntriesAsync(dev, "1h", ct);
        await dev.EntryAsync("spiffe://example.org/go", "unix:uid:31003", ct);
        await using var pair = await EnvoyPair.StartAsync(dev.Socket, dir, live: true, ct);

        var (code, lines, stderr) = await SpiffeClient.RunAsync(
            31003,
            [
                "get",
                "--socket",
                dev.Socket,
                "--url",
                $"https://127.0.0.1:{pair.Web.Plan.IngressPort}/",
                "--authorize",
                "spiffe://example.org/web",
                "--count",
                "3",
                "--every",
                "50ms",
                "--new-conn",
            ],
            ct
        );

        Assert.True(code == 0, string.Join('\n', lines.Select(static l => l.ToJsonString())) + stderr);
        Assert.All(
            lines,
            static l =>
                Assert.Contains("URI=spiffe://example.org/go", l["body"]!.GetValue<string>(), StringComparison.Ordinal)
        );

        // The other way: an Envoy's egress towards a go-spiffe server.
        await using var server = await SpiffeClient.StartAsync(
            31003,
            ["serve", "--socket", dev.Socket, "--authorize", "spiffe://example.org/egress"],
            ct
        );
        var listening = SpiffeClient
            .Json([
                await server.LineAsync(
                    static l => l.Contains("\"listening\"", StringComparison.Ordinal),
                    _patience,
                    ct
                ),
            ])
            .Single();
        await dev.EntryAsync("spiffe://example.org/egress", "unix:uid:31004", ct);
        await using var app = await App.StartAsync("egress", ct);
        var plan = new EnvoyPlan("egress", 31004, "delta")
        {
            AppPort = app.Port,
            PeerPort = new Uri("https://" + listening["address"]!.GetValue<string>()).Port,
            PeerId = "spiffe://example.org/go",
        };
        await using var egress = await Envoy.StartAsync(plan, dev.Socket, dir, ct);
        await egress.LiveAsync(_patience, ct);
        Assert.Contains("spiffe://example.org/egress", await GetAsync(egress, "{", ct), StringComparison.Ordinal);
    }

    private static async Task EntriesAsync(Dev dev, string ttl, CancellationToken ct)
    {
        await dev.EntryAsync("spiffe://example.org/web", $"unix:uid:{EnvoyPair.WebUid}", ct, "x509SvidTtl=" + ttl);
        await dev.EntryAsync("spiffe://example.org/shop", $"unix:uid:{EnvoyPair.ShopUid}", ct, "x509SvidTtl=" + ttl);
    }

    /// <summary>One request through the egress; the upstream may need a moment right after the start.</summary>
    private static async Task<string> GetAsync(Envoy from, string expected, CancellationToken ct)
    {
        using var http = new HttpClient();
        var body = "";
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    body = await http.GetStringAsync($"http://127.0.0.1:{from.Plan.EgressPort}/", ct);
                    return body.StartsWith(expected, StringComparison.Ordinal);
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            _patience,
            () => $"no '{expected}' through {from.Plan.Name}: '{body}'\n{from.Program.Tail()}",
            ct
        );
        return body;
    }

    /// <summary>The serial that a new connection is shown; the handshake itself fails later, for want of a client certificate.</summary>
    private static async Task<string> ServedSerialAsync(int port, CancellationToken ct)
    {
        var serial = "";
        using var tcp = new TcpClient();
        await tcp.ConnectAsync("127.0.0.1", port, ct);
        await using var tls = new SslStream(tcp.GetStream());
        try
        {
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "localhost",
                    RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                    {
                        serial = ((X509Certificate2)certificate!).SerialNumber.ToLowerInvariant();
                        return true;
                    },
                },
                ct
            );
        }
        catch (Exception e) when (e is System.Security.Authentication.AuthenticationException or IOException)
        {
            // Refused, as it should be.
        }

        Assert.NotEmpty(serial);
        return serial;
    }
}
