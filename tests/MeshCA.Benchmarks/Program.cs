using MeshCA.Benchmarks;
using MeshCA.Benchmarks.AgentApi;
using MeshCA.Benchmarks.Issuance;
using MeshCA.Benchmarks.Push;

// dotnet run -c Release --project tests/MeshCA.Benchmarks -- <benchmark> [--rounds N] [--seconds N]
using var cancellation = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    cancellation.Cancel();
};
switch (args)
{
    case ["issuance", .. var options]:
        await IssuanceBenchmark.RunAsync(BenchmarkOptions.Parse(options), cancellation.Token);
        return 0;
    case ["agent-api", .. var options]:
        await AgentApiBenchmark.RunAsync(BenchmarkOptions.Parse(options), cancellation.Token);
        return 0;
    case ["push", .. var options]:
        await PushBenchmark.RunAsync(BenchmarkOptions.Parse(options), cancellation.Token);
        return 0;
    case ["all", .. var options]:
        await IssuanceBenchmark.RunAsync(BenchmarkOptions.Parse(options), cancellation.Token);
        await AgentApiBenchmark.RunAsync(BenchmarkOptions.Parse(options), cancellation.Token);
        await PushBenchmark.RunAsync(BenchmarkOptions.Parse(options), cancellation.Token);
        return 0;
    default:
        await Console.Error.WriteLineAsync(
            "usage: MeshCA.Benchmarks issuance|agent-api|push|all [--rounds N] [--seconds N]"
        );
        return 2;
}
