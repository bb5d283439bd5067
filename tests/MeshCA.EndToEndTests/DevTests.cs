using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using MeshCA.EndToEndTests.Parts;

namespace MeshCA.EndToEndTests;

/// <summary>The README's first minute: <c>meshca dev</c>, an SVID, a judge that is not ours.</summary>
public sealed class DevTests
{
    private const UnixFileMode Others =
        UnixFileMode.GroupRead
        | UnixFileMode.GroupWrite
        | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead
        | UnixFileMode.OtherWrite
        | UnixFileMode.OtherExecute;

    [Fact]
    public async Task Dev_FreshFolder_SvidIsAcceptedByOpenSsl()
    {
        var ct = TestContext.Current.CancellationToken;
        using var dir = new TestDirectory();
        var clock = Stopwatch.StartNew();
        await using var dev = await Dev.StartAsync(dir["demo"], ct);
        TestContext.Current.SendDiagnosticMessage($"dev ready after {clock.ElapsedMilliseconds} ms");

        var svid = await Meshca.OkAsync(ct, "svid", "x509", "--socket", dev.Socket);
        var bundle = dir.Write("bundle.pem", await Meshca.OkAsync(ct, "bundle", "show", "--admin", dev.Admin));

        Assert.StartsWith("spiffe://example.org/dev\n", svid, StringComparison.Ordinal);
        Assert.StartsWith(
            "-----BEGIN CERTIFICATE-----",
            await File.ReadAllTextAsync(bundle, ct),
            StringComparison.Ordinal
        );
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(svid);
        var leaf = dir.Write("leaf.pem", chain[0].ExportCertificatePem());
        var rest = dir.Write("rest.pem", svid);
        var (code, stdout, stderr) = await Program.RunAsync(
            RealPart.OpenSsl,
            ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", bundle, "-untrusted", rest, leaf],
            ct
        );
        Assert.True(code == 0, stdout + stderr);
        (code, stdout, stderr) = await Program.RunAsync(
            RealPart.OpenSsl,
            ["verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", bundle, "-untrusted", rest, leaf],
            ct
        );
        Assert.True(code == 0, stdout + stderr);
    }

    [Fact]
    public async Task Dev_Restarted_KeepsRootEntryAndNodeIdentity()
    {
        var ct = TestContext.Current.CancellationToken;
        using var dir = new TestDirectory();
        string before,
            agents;
        await using (var first = await Dev.StartAsync(dir["demo"], ct))
        {
            before = await Meshca.OkAsync(ct, "bundle", "show", "--admin", first.Admin);
            agents = await AgentIdsAsync(first, ct);
            Assert.Equal(0, await first.Program.TerminateAsync(ct));
        }

        await using (var second = await Dev.StartAsync(dir["demo"], ct))
        {
            await second.Program.KillAsync(ct);
        }

        await using var third = await Dev.StartAsync(dir["demo"], ct);

        Assert.Equal(before, await Meshca.OkAsync(ct, "bundle", "show", "--admin", third.Admin));
        Assert.Equal(agents, await AgentIdsAsync(third, ct));
        using var api = new AdminApi(third.Admin);
        var entry = Assert.Single(await api.AllAsync("/v1/entries", ct));
        Assert.Equal("spiffe://example.org/dev", entry["spiffeId"]!.GetValue<string>());
    }

    [Fact]
    public async Task Dev_Folder_OnlyTheAgentSocketIsForOthers()
    {
        var ct = TestContext.Current.CancellationToken;
        using var dir = new TestDirectory();
        await using var dev = await Dev.StartAsync(dir["demo"], ct);

        Assert.Equal("755", Mode(dev.Dir));
        Assert.Equal("666", Mode(dev.Socket));
        foreach (var path in Directory.EnumerateFileSystemEntries(dev.Dir, "*", SearchOption.AllDirectories))
        {
            if (path != dev.Socket)
            {
                Assert.True((File.GetUnixFileMode(path) & Others) == UnixFileMode.None, $"{path} is {Mode(path)}");
            }
        }

        Assert.Equal(dev.Dir, Assert.Single(Directory.EnumerateFileSystemEntries(dir.Path)));
    }

    [Fact]
    public async Task Dev_SecondOneOnTheSameFolder_IsRefused()
    {
        var ct = TestContext.Current.CancellationToken;
        using var dir = new TestDirectory();
        await using var dev = await Dev.StartAsync(dir["demo"], ct);

        var (code, _, stderr) = await Meshca.RunAsync(ct, "dev", "--dir", dev.Dir);

        Assert.Equal(1, code);
        Assert.Contains(dev.Dir, stderr, StringComparison.Ordinal);
        await Meshca.OkAsync(ct, "svid", "x509", "--socket", dev.Socket);
    }

    [Fact]
    public async Task Svid_OtherUidWithoutEntry_IsDenied()
    {
        var ct = TestContext.Current.CancellationToken;
        _ = RealPart.SetPriv;
        using var dir = new TestDirectory();
        await using var dev = await Dev.StartAsync(dir["demo"], ct);

        var (code, lines, _) = await SpiffeClient.RunAsync(23456, ["x509", "--socket", dev.Socket], ct);

        Assert.Equal(1, code);
        Assert.Equal("PermissionDenied", Assert.Single(lines)["code"]!.GetValue<string>());
        Assert.Contains("no identity issued", lines[0]["error"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Svid_And_Ca_HaveNoZlintError()
    {
        var ct = TestContext.Current.CancellationToken;
        var zlint = RealPart.Zlint;
        using var dir = new TestDirectory();
        await using var dev = await Dev.StartAsync(dir["demo"], ct);
        await dev.EntryAsync(
            "spiffe://example.org/dns",
            $"unix:uid:{Self.Uid}",
            ct,
            """dnsNames=["web.example.org","*.web.example.org"]"""
        );
        await Eventually.TrueAsync(
            async () => (await SvidsAsync(dev, ct)).Contains("spiffe://example.org/dns", StringComparison.Ordinal),
            TimeSpan.FromSeconds(5),
            () => "the second SVID did not come",
            ct
        );
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPem(await SvidsAsync(dev, ct));
        certificates.ImportFromPem(await Meshca.OkAsync(ct, "bundle", "show", "--admin", dev.Admin));
        Assert.True(certificates.Count >= 2);

        foreach (var certificate in certificates)
        {
            var pem = dir.Write("cert.pem", certificate.ExportCertificatePem());
            var (code, stdout, stderr) = await Program.RunAsync(
                zlint,
                ["-includeSources", "RFC5280,RFC5480,RFC5891", pem],
                ct
            );
            Assert.True(code == 0, stderr);
            Assert.DoesNotContain("\"result\":\"error\"", stdout, StringComparison.Ordinal);
            Assert.DoesNotContain("\"result\":\"fatal\"", stdout, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ServerRun_StoreOfNewerVersion_IsRefusedWithTheRemedy()
    {
        var ct = TestContext.Current.CancellationToken;
        using var dir = new TestDirectory();
        await using (var dev = await Dev.StartAsync(dir["demo"], ct))
        {
            await dev.Program.TerminateAsync(ct);
        }

        // SQLite's user_version: four bytes, big-endian, at offset 60 (sqlite.org/fileformat, section 1.3).
        await using (var file = new FileStream(dir["demo/meshca.db"], FileMode.Open))
        {
            file.Position = 60;
            file.Write([0x00, 0x0F, 0x42, 0x40]);
        }

        var (code, _, stderr) = await Meshca.RunAsync(ct, "dev", "--dir", dir["demo"]);

        Assert.Equal(1, code);
        Assert.Contains("meshca.db", stderr, StringComparison.Ordinal);
        Assert.Contains("newer", stderr, StringComparison.Ordinal);
    }

    private static async Task<string> SvidsAsync(Dev dev, CancellationToken ct) =>
        string.Join(
            '\n',
            (await SpiffeClient.RunAsync(null, ["x509", "--pem", "--socket", dev.Socket], ct)).Lines.Select(static l =>
                l["spiffeId"] + "\n" + l["chainPem"]
            )
        );

    private static async Task<string> AgentIdsAsync(Dev dev, CancellationToken ct)
    {
        using var api = new AdminApi(dev.Admin);
        return string.Join(
            '\n',
            (await api.AllAsync("/v1/agents", ct)).Select(static a => a["id"]!.GetValue<string>())
        );
    }

    private static string Mode(string path) => Convert.ToString((int)File.GetUnixFileMode(path), 8);
}
