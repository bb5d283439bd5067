using System.CommandLine;
using System.Text.Json.Nodes;
using MeshCA.Ca;
using MeshCA.Ca.Agents;
using MeshCA.Commands.Admin;
using MeshCA.Tests.Ca.Rest;

namespace MeshCA.Tests.Commands.Admin;

/// <summary>The admin commands against a real server, as a shell sees them: stdout, stderr, exit code.</summary>
public sealed class AdminCommandTests
{
    private const string WebId = "spiffe://example.org/web";

    [Fact]
    public async Task EntryCreate_AllOptions_CreatesTheEntry()
    {
        await using var host = await AdminHost.StartAsync();

        var run = await RunAsync(
            host,
            ["entry", "create", "--spiffe-id", WebId, "--selector", "unix:uid:1", "--selector", "unix:gid:2"],
            ["--ttl", "30m", "--jwt-ttl", "1m", "--dns", "web.example.org", "--federates-with", "partner.example"],
            ["--hint", "main", "--label", "app=web", "--label", "tier=a=b", "-o", "json"],
            ["--parent", "spiffe://example.org/meshca/agent/join_token/a1"]
        );

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        var entry = JsonNode.Parse(run.Out)!.AsObject();
        var served = (await host.GetAsync("/v1/entries/" + entry["id"])).Json;
        Assert.True(JsonNode.DeepEquals(served, entry));
        Assert.Equal("""["unix:gid:2","unix:uid:1"]""", entry["selectors"]!.ToJsonString());
        Assert.Equal("30m", (string?)entry["x509SvidTtl"]);
        Assert.Equal("1m", (string?)entry["jwtSvidTtl"]);
        Assert.Equal("""["web.example.org"]""", entry["dnsNames"]!.ToJsonString());
        Assert.Equal("""["partner.example"]""", entry["federatesWith"]!.ToJsonString());
        Assert.Equal("main", (string?)entry["hint"]);
        Assert.Equal("""{"app":"web","tier":"a=b"}""", entry["labels"]!.ToJsonString());
        Assert.Equal("spiffe://example.org/meshca/agent/join_token/a1", (string?)entry["parentId"]);
    }

    [Fact]
    public async Task EntryCreate_Table_IsAlignedText()
    {
        await using var host = await AdminHost.StartAsync();

        var run = await RunAsync(host, ["entry", "create", "--spiffe-id", WebId, "--selector", "unix:uid:1"]);

        var id = Assert.Single(host.Store.Entries.List(new(), null, 10).Items).Id;
        Assert.Equal(
            $"""
            id             {id}
            spiffeId       spiffe://example.org/web
            parentId       -
            selectors      unix:uid:1
            x509SvidTtl    -
            jwtSvidTtl     -
            dnsNames       -
            federatesWith  -
            hint           -
            labels         -
            createdAt      2026-03-01T12:00:00Z

            """,
            run.Out
        );
    }

    [Fact]
    public async Task EntryShow_Yaml_IsYaml()
    {
        await using var host = await AdminHost.StartAsync();
        var created = await host.PostAsync(
            "/v1/entries",
            """{"spiffeId":"spiffe://example.org/web","selectors":["unix:uid:1"],"hint":"yes","labels":{"a":"1"}}"""
        );
        var id = (string)created.Json["id"]!;

        var run = await RunAsync(host, ["entry", "show", id, "-o", "yaml"]);

        Assert.Equal(
            $$"""
            id: "{{id}}"
            spiffeId: spiffe://example.org/web
            parentId: null
            selectors:
            - unix:uid:1
            x509SvidTtl: null
            jwtSvidTtl: null
            dnsNames: []
            federatesWith: []
            hint: "yes"
            labels:
              a: "1"
            createdAt: "2026-03-01T12:00:00Z"

            """,
            run.Out
        );
    }

    [Fact]
    public async Task EntryCreate_BadValues_NamesThemAllOnStderr()
    {
        await using var host = await AdminHost.StartAsync();

        var run = await RunAsync(host, ["entry", "create", "--spiffe-id", "web", "--selector", "x", "--ttl", "1"]);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal("", run.Out);
        var lines = run.Error.TrimEnd().Split('\n');
        Assert.Equal("error: the request has 3 errors; see errors", lines[0]);
        Assert.StartsWith("  /x509SvidTtl: '1' is not a duration", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("  /spiffeId: 'web' is not a SPIFFE ID", lines[2], StringComparison.Ordinal);
        Assert.StartsWith("  /selectors/0: 'x' is not a selector", lines[3], StringComparison.Ordinal);
        Assert.Matches("^  request [0-9a-f]{24}$", lines[4]);
        Assert.Equal(5, lines.Length);
    }

    [Fact]
    public async Task EntryCreate_DryRun_StoresNothing()
    {
        await using var host = await AdminHost.StartAsync();

        var run = await RunAsync(
            host,
            ["entry", "create", "--spiffe-id", WebId, "--selector", "unix:uid:1", "--dry-run"]
        );

        Assert.Equal(0, run.ExitCode);
        Assert.Empty(host.Store.Entries.List(new(), null, 10).Items);
    }

    [Fact]
    public async Task EntryList_ManyEntries_ListsAllPages()
    {
        await using var host = await AdminHost.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, 501).Select(i => host.CreateEntryAsync($"w{i}")));

        var table = await RunAsync(host, ["entry", "list"]);
        var json = await RunAsync(host, ["entry", "list", "-o", "json"]);
        var filtered = await RunAsync(
            host,
            ["entry", "list", "--spiffe-id", "spiffe://example.org/w7", "--selector", "unix:uid:1000"]
        );

        var lines = table.Out.TrimEnd().Split('\n');
        Assert.Equal(502, lines.Length);
        Assert.Matches("^ID +SPIFFE ID +SELECTORS +TTL +PARENT +HINT$", lines[0]);
        Assert.Equal(501, JsonNode.Parse(json.Out)!["items"]!.AsArray().Count);
        Assert.Equal(2, filtered.Out.TrimEnd().Split('\n').Length);
    }

    [Fact]
    public async Task EntryUpdate_SomeOptions_LeavesTheRest()
    {
        await using var host = await AdminHost.StartAsync();
        var created = await host.PostAsync(
            "/v1/entries",
            """{"spiffeId":"spiffe://example.org/web","selectors":["unix:uid:1"],"x509SvidTtl":"5m","hint":"h","dnsNames":["a.example"]}"""
        );
        var id = (string)created.Json["id"]!;

        var run = await RunAsync(
            host,
            ["entry", "update", id, "--ttl", "", "--dns", "", "--label", "a=b", "-o", "json"]
        );

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        var expected = created.Json;
        expected["x509SvidTtl"] = null;
        expected["dnsNames"] = new JsonArray();
        expected["labels"] = new JsonObject { ["a"] = "b" };
        Assert.True(JsonNode.DeepEquals(expected, JsonNode.Parse(run.Out)));
    }

    [Fact]
    public async Task EntryUpdate_NothingGiven_IsWrongUsage()
    {
        await using var host = await AdminHost.StartAsync();
        var id = await host.CreateEntryAsync("web");

        var run = await RunAsync(host, ["entry", "update", id]);

        Assert.Equal(
            (2, "error: nothing to change is given; see meshca entry update --help\n"),
            (run.ExitCode, run.Error)
        );
    }

    [Fact]
    public async Task EntryDelete_Ids_DeletesThemAndSaysWhichIsUnknown()
    {
        await using var host = await AdminHost.StartAsync();
        var (one, two) = (await host.CreateEntryAsync("a"), await host.CreateEntryAsync("b"));

        var run = await RunAsync(host, ["entry", "delete", one, two, "nothing"]);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal("", run.Out);
        Assert.StartsWith(
            $"deleted entry {one}\ndeleted entry {two}\nerror: there is no entry nothing\n  request ",
            run.Error,
            StringComparison.Ordinal
        );
        Assert.Empty(host.Store.Entries.List(new(), null, 10).Items);
    }

    [Theory]
    [InlineData("entry", "create", "--spiffe-id", WebId)]
    [InlineData("entry", "create", "--spiffe-id", WebId, "--selector", "unix:uid:1", "--label", "novalue")]
    [InlineData("entry", "list", "-o", "xml")]
    [InlineData("entry", "list", "--nonsense")]
    [InlineData("bundle", "show", "-o", "table")]
    [InlineData("bundle", "set", "partner.example")]
    public void Parse_WrongCommandLine_HasErrors(params string[] args) => Assert.NotEmpty(Root().Parse(args).Errors);

    [Fact]
    public async Task TokenCreate_Table_IsTheTokenAlone()
    {
        await using var host = await AdminHost.StartAsync();

        var table = await RunAsync(host, ["token", "create", "--ttl", "1m"]);
        var json = await RunAsync(host, ["token", "create", "-o", "json"]);

        Assert.Matches("^[0-9a-f]{64}\n$", table.Out);
        Assert.Equal("2026-03-01T12:10:00Z", (string?)JsonNode.Parse(json.Out)!["expiresAt"]);
    }

    [Fact]
    public async Task Agent_ListShowBanUnbanEvict_DoAsTheySay()
    {
        await using var host = await AdminHost.StartAsync();
        var agent = await AttestAsync(host);

        var list = await RunAsync(host, ["agent", "list"]);
        var ban = await RunAsync(host, ["agent", "ban", agent.Id]);
        var banned = await RunAsync(host, ["agent", "show", agent.Id, "-o", "json"]);
        var unban = await RunAsync(host, ["agent", "unban", agent.Id]);
        var unbanned = await RunAsync(host, ["agent", "show", agent.Id, "-o", "json"]);
        var evict = await RunAsync(host, ["agent", "evict", agent.Id]);
        var gone = await RunAsync(host, ["agent", "show", agent.Id]);

        Assert.Matches("^ID +KIND +VERSION +CONNECTED +LAST SEEN +BANNED\n", list.Out);
        Assert.Contains(agent.Id, list.Out, StringComparison.Ordinal);
        Assert.Equal((0, "", $"banned agent {agent.Id}\n"), ban);
        Assert.True((bool)JsonNode.Parse(banned.Out)!["banned"]!);
        Assert.Equal((0, "", $"unbanned agent {agent.Id}\n"), unban);
        Assert.False((bool)JsonNode.Parse(unbanned.Out)!["banned"]!);
        Assert.Equal((0, "", $"evicted agent {agent.Id}\n"), evict);
        Assert.Equal(1, gone.ExitCode);
        Assert.StartsWith($"error: there is no agent {agent.Id}\n", gone.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bundle_SetFromPemAndJson_ShowsTheSameAgain()
    {
        await using var host = await AdminHost.StartAsync();
        var root = BundleTests.Root("partner");
        await host.Store.Bundles.PublishOwnAsync([BundleTests.Root("own")], [], TestContext.Current.CancellationToken);
        var file = Path.Combine(host.Store.Options.DataDir, "bundle.pem");
        var pem = new string(System.Security.Cryptography.PemEncoding.Write("CERTIFICATE", root)) + "\n";
        await File.WriteAllTextAsync(file, pem, TestContext.Current.CancellationToken);

        var set = await RunAsync(host, ["bundle", "set", "partner.example", "--file", file]);
        var shown = await RunAsync(host, ["bundle", "show", "partner.example"]);
        var json = await RunAsync(host, ["bundle", "show", "partner.example", "-o", "json"]);
        await File.WriteAllTextAsync(file, json.Out, TestContext.Current.CancellationToken);
        var setAgain = await RunAsync(host, ["bundle", "set", "other.example", "--file", file]);
        var other = await RunAsync(host, ["bundle", "show", "other.example"]);
        var own = await RunAsync(host, ["bundle", "show"]);
        var list = await RunAsync(host, ["bundle", "list"]);
        var delete = await RunAsync(host, ["bundle", "delete", "other.example"]);
        var gone = await RunAsync(host, ["bundle", "show", "other.example"]);

        Assert.Equal((0, "", "set the bundle of partner.example\n"), set);
        Assert.Equal((0, pem, ""), shown);
        Assert.NotNull(JsonNode.Parse(json.Out)!["keys"]);
        Assert.Equal(0, setAgain.ExitCode);
        Assert.Equal((0, pem, ""), other);
        Assert.Equal(0, own.ExitCode);
        Assert.StartsWith("-----BEGIN CERTIFICATE-----\n", own.Out, StringComparison.Ordinal);
        Assert.Equal(4, list.Out.TrimEnd().Split('\n').Length);
        Assert.Equal((0, "", "deleted the bundle of other.example\n"), delete);
        Assert.Equal(1, gone.ExitCode);
    }

    [Fact]
    public async Task BundleSet_FileThatIsNone_IsRefused()
    {
        await using var host = await AdminHost.StartAsync();
        var file = Path.Combine(host.Store.Options.DataDir, "bundle.pem");
        await File.WriteAllTextAsync(file, "nothing", TestContext.Current.CancellationToken);

        var noPem = await RunAsync(host, ["bundle", "set", "partner.example", "--file", file]);
        var noFile = await RunAsync(host, ["bundle", "set", "partner.example", "--file", file + "x"]);

        Assert.Equal(1, noPem.ExitCode);
        Assert.StartsWith("error: ", noPem.Error, StringComparison.Ordinal);
        Assert.Equal(2, noFile.ExitCode);
        Assert.StartsWith($"error: {file}x cannot be read: ", noFile.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Authority_ListAndShow_ShowIt()
    {
        await using var host = await AdminHost.StartAsync();
        await AuthorityTests.PutAsync(host, AuthorityTests.Root("b0"));

        var list = await RunAsync(host, ["authority", "list"]);
        var show = await RunAsync(host, ["authority", "show", "b0"]);
        var pem = await RunAsync(host, ["authority", "show", "b0", "-o", "pem"]);

        Assert.Equal(
            """
            ID  USE   STATE   SIGNER  KIND  NOT AFTER             PARENT
            b0  x509  active  root    disk  2027-03-01T12:00:00Z  -

            """,
            list.Out
        );
        Assert.StartsWith("id          b0\nuse         x509\n", show.Out, StringComparison.Ordinal);
        Assert.StartsWith("-----BEGIN CERTIFICATE-----\n", pem.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_AsTheServerIs_NamesEveryPart()
    {
        await using var host = await AdminHost.StartAsync();
        var starting = await RunAsync(host, ["health"]);
        host.Readiness.Set(CaReadiness.Store, ComponentState.Ok);
        host.Readiness.Set(CaReadiness.Authority, ComponentState.Ok);
        host.Readiness.Set(CaReadiness.ServerSvid, ComponentState.Ok);
        var ok = await RunAsync(host, ["health"]);
        host.Readiness.Set("signer:root", ComponentState.Degraded, "the HSM does not answer");
        var degraded = await RunAsync(host, ["health"]);
        host.Readiness.Set(CaReadiness.Store, ComponentState.Down, "the disk is full");
        var down = await RunAsync(host, ["health", "-o", "json"]);

        Assert.Equal(1, starting.ExitCode);
        Assert.Equal(
            (
                0,
                "ok\nCOMPONENT   STATUS  DETAIL\nauthority   ok      -\nserverSvid  ok      -\nstore       ok      -\n",
                ""
            ),
            ok
        );
        Assert.Equal(0, degraded.ExitCode);
        Assert.StartsWith("degraded\n", degraded.Out, StringComparison.Ordinal);
        Assert.Contains("signer:root  degraded  the HSM does not answer\n", degraded.Out, StringComparison.Ordinal);
        Assert.Equal(1, down.ExitCode);
        Assert.Equal("unhealthy", (string?)JsonNode.Parse(down.Out)!["status"]);
    }

    [Fact]
    public async Task Run_TerminalCodesInAHint_AreMadeHarmless()
    {
        await using var host = await AdminHost.StartAsync();
        var token = await host.Store.Tokens.CreateAsync(null, dryRun: false, TestContext.Current.CancellationToken);
        await host.Store.Tokens.RedeemAsync(
            token.Token,
            new byte[] { 1 },
            "1\u001b[2J\n",
            TestContext.Current.CancellationToken
        );

        var list = await RunAsync(host, ["agent", "list"]);

        Assert.Contains("1\uFFFD[2J\uFFFD", list.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", list.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_NoServer_SaysWhatToDo()
    {
        var missing = await RunAsync(["entry", "list", "--admin", "unix:/nonexistent/admin.sock"]);
        var file = Path.GetTempFileName();
        var dead = await RunAsync(["entry", "list", "--admin", "unix:" + file]);
        File.Delete(file);

        Assert.Equal(1, missing.ExitCode);
        Assert.Equal(
            "error: unix:/nonexistent/admin.sock: there is no such socket; "
                + "start the server (meshca dev or meshca server run) or correct --admin\n",
            missing.Error
        );
        Assert.Equal(1, dead.ExitCode);
        Assert.Equal(
            $"error: unix:{file}: nobody listens there; start the server (meshca dev or meshca server run) or correct --admin\n",
            dead.Error
        );
    }

    [Theory]
    [InlineData("http://localhost:1")]
    [InlineData("/run/admin.sock")]
    [InlineData("unix:")]
    [InlineData("https://localhost:1/path")]
    [InlineData("https://user@localhost:1")]
    public async Task Run_BadAddress_IsWrongUsage(string address)
    {
        var run = await RunAsync(["entry", "list", "--admin", address]);

        Assert.Equal(
            (2, $"error: --admin: '{address}' is neither unix:PATH nor https://HOST:PORT\n"),
            (run.ExitCode, run.Error)
        );
    }

    private static async Task<AgentRecord> AttestAsync(AdminHost host)
    {
        var ct = TestContext.Current.CancellationToken;
        var token = await host.Store.Tokens.CreateAsync(null, dryRun: false, ct);
        return await host.Store.Tokens.RedeemAsync(token.Token, new byte[] { 1 }, "1.2.3", ct);
    }

    private static RootCommand Root()
    {
        var root = new RootCommand();
        foreach (var command in AdminCommands.All())
        {
            root.Add(command);
        }

        var agent = new Command("agent");
        foreach (var command in AdminCommands.OfAgent())
        {
            agent.Add(command);
        }

        root.Add(agent);
        return root;
    }

    private static Task<(int ExitCode, string Out, string Error)> RunAsync(AdminHost host, params string[][] args) =>
        RunAsync([.. args.SelectMany(static a => a), "--admin", "unix:" + host.Socket]);

    private static async Task<(int ExitCode, string Out, string Error)> RunAsync(string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var parsed = Root().Parse(args);
        Assert.Empty(parsed.Errors);
        var exitCode = await parsed.InvokeAsync(
            new()
            {
                Output = output,
                Error = error,
                EnableDefaultExceptionHandler = false,
            },
            TestContext.Current.CancellationToken
        );
        return (exitCode, output.ToString(), error.ToString());
    }
}
