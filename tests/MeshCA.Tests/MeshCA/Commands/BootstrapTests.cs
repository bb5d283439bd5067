using System.Diagnostics;
using System.Runtime.CompilerServices;
using YamlDotNet.RepresentationModel;

namespace MeshCA.Tests.Commands;

public sealed class BootstrapTests
{
    private static readonly string[] _both =
    [
        "--listen",
        "127.0.0.1:15443",
        "--upstream-app",
        "127.0.0.1:15446",
        "--egress-listen",
        "127.0.0.1:15445",
        "--peer",
        "127.0.0.1:15443",
        "--peer-id",
        "spiffe://example.org/shop",
    ];

    [Fact]
    public async Task Bootstrap_Secrets_ComeFromOneSource()
    {
        var root = await ParseAsync(_both);

        // Envoy opens a stream for each pair of name and source: the sources must be the same bytes.
        var sources = All(root, "sds_config").ToList();
        Assert.Equal(4, sources.Count);
        Assert.All(sources, source => Assert.Equal(sources[0], source));
        var source = (YamlMappingNode)sources[0];
        Assert.Equal("0s", Text(source["initial_fetch_timeout"]));
        Assert.Equal("DELTA_GRPC", Text(source["api_config_source"]["api_type"]));
        Assert.Equal("true", Text(source["api_config_source"]["set_node_on_first_message_only"]));
        var grpc = source["api_config_source"]["grpc_services"][0]["envoy_grpc"];
        Assert.Equal("localhost", Text(grpc["authority"]));
        var backOff = grpc["retry_policy"]["retry_back_off"];
        Assert.Equal(("0.1s", "1s"), (Text(backOff["base_interval"]), Text(backOff["max_interval"])));
    }

    [Fact]
    public async Task Bootstrap_Tls_Is13WithoutResumption()
    {
        var root = await ParseAsync(_both);

        Assert.All(All(root, "tls_params"), tls => Assert.Equal("TLSv1_3", Text(tls["tls_minimum_protocol_version"])));
        Assert.Equal(2, All(root, "tls_params").Count());
        Assert.Equal("true", Text(Assert.Single(All(root, "disable_stateless_session_resumption"))));
        Assert.Equal("true", Text(Assert.Single(All(root, "disable_stateful_session_resumption"))));
        Assert.Equal("true", Text(Assert.Single(All(root, "require_client_certificate"))));
        Assert.Equal("0", Text(Assert.Single(All(root, "max_session_keys"))));
    }

    [Fact]
    public async Task Bootstrap_Validation_ServerHasTheAgentsMatchersClientTheExactPeer()
    {
        var root = await ParseAsync(_both);

        var names = All(root, "validation_context_sds_secret_config").Select(static c => Text(c["name"]));
        Assert.Equal(["ROOTCA", "meshca:inbound"], names.Order(StringComparer.Ordinal));
        var matchers = Assert.Single(All(root, "match_typed_subject_alt_names"));
        Assert.Equal("spiffe://example.org/shop", Text(matchers[0]["matcher"]["exact"]));
    }

    [Fact]
    public async Task Bootstrap_Ingress_BoundsConnectionsAndNormalisesPaths()
    {
        var root = await ParseAsync([.. _both, "--max-connection-duration", "1m30s", "--max-stream-duration", "250ms"]);

        var durations = All(root, "common_http_protocol_options").ToList();
        Assert.Equal(2, durations.Count);
        Assert.All(
            durations,
            d => Assert.Equal(("90s", "0.25s"), (Text(d["max_connection_duration"]), Text(d["max_stream_duration"])))
        );
        Assert.Equal("true", Text(Assert.Single(All(root, "normalize_path"))));
        Assert.Equal("true", Text(Assert.Single(All(root, "merge_slashes"))));
        Assert.Equal("UNESCAPE_AND_FORWARD", Text(Assert.Single(All(root, "path_with_escaped_slashes_action"))));
        Assert.Equal("10000", Text(Assert.Single(All(root, "max_active_downstream_connections"))));
    }

    [Fact]
    public async Task Bootstrap_PeerOfAnotherTrustDomain_IsVerifiedWithAllBundles()
    {
        var root = await ParseAsync([.. _both, "--trust-domain", "other.test"]);

        Assert.Contains("ALL", All(root, "validation_context_sds_secret_config").Select(static c => Text(c["name"])));
    }

    [Fact]
    public async Task Bootstrap_NamesWithQuotesAndBraces_StayNames()
    {
        const string odd = "we\"b: {x}, #y 'z' \\ &a *b";

        var root = await ParseAsync(_both, odd);

        Assert.Equal(odd, Text(root["node"]["id"]));
        Assert.Equal(5, root.Children.Count + 1);
    }

    [Theory]
    [InlineData("delta", "DELTA_GRPC")]
    [InlineData("sotw", "GRPC")]
    public async Task Bootstrap_RealEnvoy_AcceptsIt(string api, string type)
    {
        var envoy = FindEnvoy();
        var dir = Directory.CreateTempSubdirectory("meshca-");
        try
        {
            foreach (
                var part in new[] { _both, _both[..4], _both[4..], [.. _both, "--app-http2", "--admin-port", "0"] }
            )
            {
                var (code, yaml, _) = await Cli.RunAsync([.. Start("web-1"), .. part, "--api", api]);
                Assert.Equal(0, code);
                Assert.Contains($"api_type: {type}\n", yaml, StringComparison.Ordinal);
                var file = Path.Combine(dir.FullName, "envoy.yaml");
                await File.WriteAllTextAsync(file, yaml, TestContext.Current.CancellationToken);

                var (ended, text) = await ValidateAsync(envoy, file);

                Assert.True(ended == 0, text);
                Assert.DoesNotContain("[warning]", text, StringComparison.Ordinal);
            }
        }
        finally
        {
            dir.Delete(recursive: true);
        }
    }

    private static string[] Start(string id) =>
        ["envoy", "bootstrap", "--id", id, "--cluster", "web", "--socket", "/run/meshca/agent.sock"];

    private static async Task<YamlMappingNode> ParseAsync(string[] args, string id = "web-1")
    {
        var (code, yaml, stderr) = await Cli.RunAsync([.. Start(id), .. args]);
        Assert.True(code == 0, stderr);
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        return (YamlMappingNode)stream.Documents[0].RootNode;
    }

    private static IEnumerable<YamlNode> All(YamlNode node, string key) =>
        node switch
        {
            YamlMappingNode map => map.Children.SelectMany(c =>
                (Text(c.Key) == key ? new[] { c.Value } : []).Concat(All(c.Value, key))
            ),
            YamlSequenceNode list => list.Children.SelectMany(c => All(c, key)),
            _ => [],
        };

    private static string Text(YamlNode node) => (node as YamlScalarNode)?.Value ?? "";

    private static async Task<(int Code, string Text)> ValidateAsync(string envoy, string file)
    {
        var start = new ProcessStartInfo(envoy, ["--mode", "validate", "-c", file])
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        var ct = TestContext.Current.CancellationToken;
        var text = await Task.WhenAll(
            process.StandardError.ReadToEndAsync(ct),
            process.StandardOutput.ReadToEndAsync(ct)
        );
        await process.WaitForExitAsync(ct);
        return (process.ExitCode, string.Concat(text));
    }

    private static string FindEnvoy([CallerFilePath] string file = "")
    {
        var path = Environment.GetEnvironmentVariable("PATH") ?? "";
        string?[] places =
        [
            Environment.GetEnvironmentVariable("ENVOY_BIN"),
            .. path.Split(':').Select(static d => Path.Combine(d, "envoy")),
            .. Above(file).Select(static d => Path.Combine(d, "..", "shared", "tools", "envoy", "envoy")),
        ];
        if (Array.Find(places, File.Exists) is { } found)
        {
            return found;
        }

        const string reason = "envoy is not on this machine: set ENVOY_BIN or put it on PATH";
        var required = (Environment.GetEnvironmentVariable("MESHCA_REQUIRE") ?? "").Split(',');
        Assert.False(
            required.Contains("envoy", StringComparer.Ordinal) || required.Contains("all", StringComparer.Ordinal),
            reason
        );
        Assert.Skip(reason);
        return "";
    }

    /// <summary>The folders above the source file, or, where the compiler hides it, above the tests.</summary>
    private static IEnumerable<string> Above(string file)
    {
        for (
            var dir = new FileInfo(File.Exists(file) ? file : typeof(BootstrapTests).Assembly.Location).Directory;
            dir is not null;
            dir = dir.Parent
        )
        {
            yield return dir.FullName;
        }
    }
}
