using System.Diagnostics;
using System.Globalization;
using MeshCA.Benchmarks.Issuance;
using MeshCA.Protos.V1;

namespace MeshCA.Benchmarks.AgentApi;

/// <summary>Issuance as agents see it: mTLS, gRPC, the durable ledger. Server and agents share this process and its cores.</summary>
internal static class AgentApiBenchmark
{
    private const int Agents = 8;
    private const int Entries = 100;
    private const int Csrs = 2000;

    /// <summary>Of one request each, so many wait for an answer at once; of many each, two on every stream.</summary>
    private const int CallsInFlight = 64;

    private static readonly int[] _batchSizes = [1, 100, 500];

    public static async Task RunAsync(BenchmarkOptions options, CancellationToken ct)
    {
        await using var server = await ApiServer.StartAsync(ct);
        var requests = await MakeRequestsAsync(server, ct);
        var agents = new List<ApiClient>();
        for (var i = 0; i < Agents; i++)
        {
            agents.Add(await ApiClient.AttestAsync(server, ct));
        }

        await MeasureAsync(agents, requests, 1, options.Duration, ct);
        await MeasureAsync(agents, requests, 100, options.Duration, ct);
        var rounds = new List<Round>();
        for (var i = 0; i < options.Rounds; i++)
        {
            var limit = await OpenSslSpeed.MeasureAsync(Environment.ProcessorCount, options.Duration / 2, ct);
            foreach (var size in _batchSizes)
            {
                var result = await MeasureAsync(agents, requests, size, options.Duration, ct);
                rounds.Add(new(size, limit.Limit, result));
            }
        }

        Print(options, rounds);
        foreach (var agent in agents)
        {
            await agent.DisposeAsync();
        }
    }

    private static void Print(BenchmarkOptions options, List<Round> rounds)
    {
        Console.WriteLine(
            $"{Environment.ProcessorCount} cores shared by server and {Agents} agents, mTLS, durable ledger, "
                + $"{options.Rounds} rounds of {options.Duration.TotalSeconds} s, medians"
        );
        Console.WriteLine();
        Console.WriteLine(
            "| requests in a batch | certificates/s | of the limit | p50 ms | p99 ms | CPU µs each, both sides |"
        );
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (var size in rounds.GroupBy(round => round.BatchSize))
        {
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {size.Key} | {Median.Of(size.Select(r => r.Result.PerSecond)):F0} "
                        + $"| {Median.Of(size.Select(r => r.Result.PerSecond / r.Limit)):F2} "
                        + $"| {Median.Of(size.Select(r => r.Result.P50)):F1} | {Median.Of(size.Select(r => r.Result.P99)):F1} "
                        + $"| {Median.Of(size.Select(r => r.Result.CpuMicroseconds)):F0} |"
                )
            );
        }
    }

    private static async Task<Result> MeasureAsync(
        List<ApiClient> agents,
        CertificateRequest[] requests,
        int batchSize,
        TimeSpan duration,
        CancellationToken ct
    )
    {
        var batches = requests.Chunk(batchSize).ToArray();
        var next = -1;
        var issued = 0;
        var latencies = new List<double>();
        var cpu = Environment.CpuUsage.TotalTime;
        var watch = Stopwatch.StartNew();
        var calls = batchSize == 1 ? CallsInFlight : Agents * 2;
        await Task.WhenAll(Enumerable.Range(0, calls).Select(i => Task.Run(() => CallAsync(agents[i % Agents]), ct)));
        watch.Stop();
        latencies.Sort();
        return new(
            issued / watch.Elapsed.TotalSeconds,
            latencies[latencies.Count / 2],
            latencies[latencies.Count * 99 / 100],
            (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / issued
        );

        async Task CallAsync(ApiClient agent)
        {
            var own = new List<double>();
            while (watch.Elapsed < duration)
            {
                var batch = batches[(uint)Interlocked.Increment(ref next) % batches.Length];
                var start = Stopwatch.GetTimestamp();
                var response = await agent.IssueAsync(batch, ct);
                own.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                Interlocked.Add(
                    ref issued,
                    response.Results.Count(result => result.ResultCase == IssueResult.ResultOneofCase.Leaf)
                );
            }

            lock (latencies)
            {
                latencies.AddRange(own);
            }
        }
    }

    private static async Task<CertificateRequest[]> MakeRequestsAsync(ApiServer server, CancellationToken ct)
    {
        var ids = new List<string>();
        for (var i = 0; i < Entries; i++)
        {
            var entry = await server.Entries.CreateAsync(
                new() { SpiffeId = $"spiffe://example.org/ns/shop/sa/service-{i}", Selectors = [$"unix:uid:{i}"] },
                dryRun: false,
                ct
            );
            ids.Add(entry.Id);
        }

        return
        [
            .. Enumerable
                .Range(0, Csrs)
                .Select(i => new CertificateRequest { EntryId = ids[i % Entries], Csr = ApiClient.MakeCsr() }),
        ];
    }

    private sealed record Result(double PerSecond, double P50, double P99, double CpuMicroseconds);

    private sealed record Round(int BatchSize, double Limit, Result Result);
}
