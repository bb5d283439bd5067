using System.Globalization;
using System.Text.Json.Nodes;

namespace MeshCA.EndToEndTests.Parts;

/// <summary>A real Envoy of one workload, run as that workload's uid from a bootstrap that <c>meshca envoy bootstrap</c> wrote.</summary>
internal sealed class Envoy : IAsyncDisposable
{
    private static readonly string _cache = Path.Combine(Path.GetTempPath(), "meshca-e2e-envoy");

    private readonly HttpClient _admin;

    private Envoy(EnvoyPlan plan, Program program)
    {
        Plan = plan;
        Program = program;
        _admin = new() { BaseAddress = new($"http://127.0.0.1:{plan.AdminPort}"), Timeout = TimeSpan.FromSeconds(5) };
    }

    public EnvoyPlan Plan { get; }

    public Program Program { get; }

    public static async Task<Envoy> StartAsync(
        EnvoyPlan plan,
        string agentSocket,
        TestDirectory dir,
        CancellationToken ct
    )
    {
        var bootstrap = await Meshca.OkAsync(
            ct,
            "envoy",
            "bootstrap",
            "--trust-domain",
            "example.org",
            "--id",
            plan.Name,
            "--cluster",
            plan.Name,
            "--socket",
            agentSocket,
            "--api",
            plan.Api,
            "--admin-port",
            Text(plan.AdminPort),
            "--listen",
            $"127.0.0.1:{plan.IngressPort}",
            "--upstream-app",
            $"127.0.0.1:{plan.AppPort}",
            "--egress-listen",
            $"127.0.0.1:{plan.EgressPort}",
            "--peer",
            $"127.0.0.1:{plan.PeerPort}",
            "--peer-id",
            plan.PeerId,
            "--max-connection-duration",
            plan.MaxConnectionDuration
        );
        var file = dir.Write(plan.Name + ".yaml", bootstrap);
        Directory.CreateDirectory(_cache);
        var environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["ENVOY_CACHE"] = _cache };
        await Program.RunAsync(RealPart.Envoy, ["--version"], ct, environment: environment);
        var program = Program.Start(
            RealPart.Envoy,
            [
                "-c",
                file,
                "--concurrency",
                "1",
                "--log-level",
                "info",
                "--disable-hot-restart",
                "--base-id",
                Text(plan.AdminPort),
            ],
            plan.Uid,
            environment
        );
        return new(plan, program);
    }

    public Task LiveAsync(TimeSpan timeout, CancellationToken ct) =>
        Eventually.TrueAsync(
            async () =>
            {
                Assert.False(Program.HasExited, Program.Tail());
                try
                {
                    return (await _admin.GetStringAsync("/ready", ct)).StartsWith("LIVE", StringComparison.Ordinal);
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            timeout,
            () => $"{Plan.Name} is not live\n{Program.Tail()}",
            ct
        );

    /// <summary>Serial numbers of the workload certificates that this Envoy holds, lower-case hex.</summary>
    public async Task<List<string>> SerialsAsync(CancellationToken ct)
    {
        var certs = JsonNode.Parse(await _admin.GetStringAsync("/certs", ct))!["certificates"]!.AsArray();
        return
        [
            .. certs
                .SelectMany(static c => c!["cert_chain"]?.AsArray() ?? [])
                .Where(static c => (c!["subject_alt_names"]?.AsArray().Count ?? 0) > 0)
                .Select(static c => c!["serial_number"]!.GetValue<string>())
                .Distinct(StringComparer.Ordinal),
        ];
    }

    public async Task<long> StatAsync(string name, CancellationToken ct)
    {
        var text = await _admin.GetStringAsync($"/stats?filter={Uri.EscapeDataString(name)}", ct);
        return text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static l => l.Split(": "))
            .Where(static p => p.Length == 2 && long.TryParse(p[1], CultureInfo.InvariantCulture, out _))
            .Sum(static p => long.Parse(p[1], CultureInfo.InvariantCulture));
    }

    public async ValueTask DisposeAsync()
    {
        _admin.Dispose();
        await Program.DisposeAsync();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
