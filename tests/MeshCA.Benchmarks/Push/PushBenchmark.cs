using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace MeshCA.Benchmarks.Push;

/// <summary>
/// One change pushed to many SDS streams, from the first stream's receipt to the last's, beside a bare grpc-go server in the
/// same run. The load tool <c>sds-load</c> is found by SDS_LOAD_BIN, on PATH, or in a folder beside the checkout.
/// </summary>
internal static class PushBenchmark
{
    private const int ChangesPerRound = 7;

    private static readonly TimeSpan _startTimeout = TimeSpan.FromSeconds(30);

    public static async Task RunAsync(BenchmarkOptions options, CancellationToken ct)
    {
        var tool = FindTool();
        var folder = Directory.CreateTempSubdirectory("meshca-push-").FullName;
        try
        {
            using var dev = await StartAsync(folder, ct);
            try
            {
                Console.WriteLine("streams  connections    ours ms  grpc-go ms  ratio");
                foreach (var streams in new[] { 1_000, 10_000 })
                {
                    await MeasureAsync(tool, folder, streams, options.Rounds, ct);
                }
            }
            finally
            {
                dev.Kill();
                await dev.WaitForExitAsync(CancellationToken.None);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task MeasureAsync(string tool, string folder, int streams, int rounds, CancellationToken ct)
    {
        const int Connections = 10;
        var (ours, theirs, ratios) = (new List<double>(), new List<double>(), new List<double>());
        for (var i = 0; i < rounds; i++)
        {
            var result = await FanOutAsync(tool, folder, streams, Connections, ct);
            ours.Add(result["measured"]!["MedianMs"]!.GetValue<double>());
            theirs.Add(result["baseline"]!["MedianMs"]!.GetValue<double>());
            ratios.Add(result["ratio"]!.GetValue<double>());
        }

        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{streams, 7}  {Connections, 11}  {Median.Of(ours), 9:0.0}  {Median.Of(theirs), 10:0.0}  {Median.Of(ratios), 5:0.00}  ({string.Join(' ', ratios.Select(static r => r.ToString("0.00", CultureInfo.InvariantCulture)))})"
            )
        );
    }

    private static async Task<JsonNode> FanOutAsync(
        string tool,
        string folder,
        int streams,
        int connections,
        CancellationToken ct
    )
    {
        string[] arguments =
        [
            "fanout",
            "--socket",
            Path.Combine(folder, "dev", "agent.sock"),
            "--admin",
            "unix:" + Path.Combine(folder, "dev", "admin.sock"),
            "--streams",
            streams.ToString(CultureInfo.InvariantCulture),
            "--conns",
            connections.ToString(CultureInfo.InvariantCulture),
            "--rounds",
            ChangesPerRound.ToString(CultureInfo.InvariantCulture),
        ];
        using var process = Start(tool, arguments);
        var output = await process.StandardOutput.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        var json = Array.Find(output.Split('\n'), static line => line.StartsWith('{'));
        return json is null
            ? throw new InvalidOperationException($"sds-load ended with {process.ExitCode}:\n{output}")
            : JsonNode.Parse(json)!;
    }

    private static async Task<Process> StartAsync(string folder, CancellationToken ct)
    {
        var own = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd('/'));
        var meshca =
            Environment.GetEnvironmentVariable("MESHCA_BIN")
            ?? Path.Combine(own.Parent!.Parent!.FullName, "MeshCA", own.Name, "meshca");
        var dev = Start(meshca, ["dev", "--dir", Path.Combine(folder, "dev")]);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(ct);
        timeout.CancelAfter(_startTimeout);
        while (await dev.StandardOutput.ReadLineAsync(timeout.Token) is { } line)
        {
            if (line == "ready")
            {
                return dev;
            }
        }

        throw new InvalidOperationException($"{meshca} dev ended before it was ready");
    }

    private static Process Start(string file, string[] arguments) =>
        Process.Start(
            new ProcessStartInfo(file, arguments) { UseShellExecute = false, RedirectStandardOutput = true }
        )!;

    private static string FindTool()
    {
        const string Name = "sds-load";
        var candidates = (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(':')
            .Select(static d => Path.Combine(d, Name))
            .Prepend(Environment.GetEnvironmentVariable("SDS_LOAD_BIN") ?? "")
            .ToList();
        for (var dir = new DirectoryInfo(AppContext.BaseDirectory); dir is not null; dir = dir.Parent)
        {
            candidates.Add(Path.Combine(dir.FullName, "shared", "tools", Name, Name));
        }

        return candidates.Find(File.Exists)
            ?? throw new InvalidOperationException(
                $"{Name} is not on this machine: set SDS_LOAD_BIN or put it on PATH"
            );
    }
}
