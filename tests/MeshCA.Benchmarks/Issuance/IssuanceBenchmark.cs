using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshCA.Ca.Authorities;
using MeshCA.Ca.Entries;
using MeshCA.Ca.Issuance;
using MeshCA.Ca.Store.Sqlite;
using MeshCA.Signers;
using MeshCA.Signers.Crypto;
using MeshCA.Signers.Memory;
using MeshCA.Spiffe;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshCA.Benchmarks.Issuance;

/// <summary>
/// Issuance in this process, from CSR to certificate, lint and check of one's own signature included, against the limit that
/// the machine's OpenSSL sets: without a ledger, and with the durable one.
/// </summary>
internal static class IssuanceBenchmark
{
    private const int BatchSize = 100;
    private const int Csrs = 2000;
    private const int Entries = 100;

    /// <summary>Batches on their way at once. With the store more of them wait, for the disk.</summary>
    private const int CoreBatches = 4;

    private const int StoreBatches = 16;

    private static readonly SpiffeId _agent = ReservedIds.Agent(TrustDomain.Parse("example.org"), "join_token", "1");

    public static async Task RunAsync(BenchmarkOptions options, CancellationToken ct)
    {
        var directory = Directory.CreateTempSubdirectory("meshca-benchmark-");
        try
        {
            await using var database = SqliteDatabase.Open(
                Path.Combine(directory.FullName, "meshca.db"),
                NullLogger<SqliteDatabase>.Instance
            );
            await using var signer = MemorySigner.Create("root", KeyType.EcP256);
            using var core = new IssuancePipeline(
                new NoLedger(),
                TimeProvider.System,
                NullLogger<IssuancePipeline>.Instance
            );
            using var durable = new IssuancePipeline(
                new SqliteLedger(database, TimeProvider.System),
                TimeProvider.System,
                NullLogger<IssuancePipeline>.Instance
            );
            var authority = await new CaCertificates(new NoLedger(), core, TimeProvider.System).IssueAsync(
                signer,
                TrustDomain.Parse("example.org"),
                TimeSpan.FromDays(365),
                issuer: null,
                ct
            );
            await MeasureAsync(options, authority, core, durable, ct);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static async Task MeasureAsync(
        BenchmarkOptions options,
        IssuingAuthority authority,
        IssuancePipeline core,
        IssuancePipeline durable,
        CancellationToken ct
    )
    {
        var batches = MakeBatches();
        Console.WriteLine(
            $"{Environment.ProcessorCount} cores, {SafeEvpPKeyHandle.OpenSslVersion:x} OpenSSL, .NET {Environment.Version}, "
                + $"P-256 by {(P256.IsNative ? "libcrypto" : ".NET")}, batches of {BatchSize}, {options.Rounds} rounds of "
                + $"{options.Duration.TotalSeconds} s, medians"
        );
        await IssueAsync(core, authority, batches, CoreBatches, options.Duration, ct);
        await IssueAsync(durable, authority, batches, StoreBatches, options.Duration, ct);
        var rounds = new List<Round>();
        for (var i = 0; i < options.Rounds; i++)
        {
            var one = await OpenSslSpeed.MeasureAsync(1, options.Duration / 2, ct);
            var limit = await OpenSslSpeed.MeasureAsync(Environment.ProcessorCount, options.Duration / 2, ct);
            var withoutStore = await IssueAsync(core, authority, batches, CoreBatches, options.Duration, ct);
            var withStore = await IssueAsync(durable, authority, batches, StoreBatches, options.Duration, ct);
            rounds.Add(new(one.Limit, limit.Limit, withoutStore, withStore));
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"round {i + 1}: limit {limit.Limit:F0}/s, core {withoutStore.PerSecond:F0}/s, with store {withStore.PerSecond:F0}/s"
                )
            );
        }

        Console.WriteLine();
        Console.WriteLine("| what | certificates/s | of the limit | bar | B allocated each | CPU µs each |");
        Console.WriteLine("|---|---|---|---|---|---|");
        Print("openssl speed, one process: 1/(verify+sign+verify)", rounds.Select(r => r.OneCore));
        Print("openssl speed, one process a core", rounds.Select(r => r.Limit));
        Print("core: CSR to certificate, lint, own signature checked", rounds, r => r.Core, "0.85");
        Print("the same with the durable ledger and audit", rounds, r => r.Store, "0.70");
    }

    private static void Print(string what, IEnumerable<double> rates) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {what} | {Median.Of(rates):F0} | | | | |"));

    private static void Print(string what, List<Round> rounds, Func<Round, Result> result, string bar)
    {
        var rate = Median.Of(rounds.Select(r => result(r).PerSecond));
        var ratio = Median.Of(rounds.Select(r => result(r).PerSecond / r.Limit));
        var bytes = Median.Of(rounds.Select(r => result(r).Bytes));
        var cpu = Median.Of(rounds.Select(r => result(r).CpuMicroseconds));
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"| {what} | {rate:F0} | {ratio:F2} | {bar} | {bytes:F0} | {cpu:F0} |"
            )
        );
    }

    private static async Task<Result> IssueAsync(
        IssuancePipeline pipeline,
        IssuingAuthority authority,
        IssuanceOrder[][] batches,
        int concurrency,
        TimeSpan duration,
        CancellationToken ct
    )
    {
        var next = -1;
        var issued = 0;
        var before = GC.GetTotalAllocatedBytes(precise: true);
        var cpuBefore = Environment.CpuUsage.TotalTime;
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(
            Enumerable
                .Range(0, concurrency)
                .Select(_ =>
                    Task.Run(
                        async () =>
                        {
                            while (watch.Elapsed < duration)
                            {
                                var batch = batches[Interlocked.Increment(ref next) % batches.Length];
                                var outcomes = await X509Issuer.IssueAsync(
                                    pipeline,
                                    authority,
                                    batch,
                                    TimeSpan.FromHours(1),
                                    ct
                                );
                                Interlocked.Add(ref issued, outcomes.Count(o => o.Error is null));
                            }
                        },
                        ct
                    )
                )
        );
        watch.Stop();
        return new(
            issued / watch.Elapsed.TotalSeconds,
            (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)issued,
            (Environment.CpuUsage.TotalTime - cpuBefore).TotalMicroseconds / issued
        );
    }

    private static IssuanceOrder[][] MakeBatches()
    {
        var entries = Enumerable.Range(0, Entries).Select(MakeEntry).ToArray();
        return Enumerable
            .Range(0, Csrs)
            .Select(i => new IssuanceOrder(entries[i % Entries], _agent, MakeCsr()))
            .Chunk(BatchSize)
            .ToArray();
    }

    private static RegistrationEntry MakeEntry(int i) =>
        new()
        {
            Id = string.Create(CultureInfo.InvariantCulture, $"0199c7a0-0000-7000-8000-{i:d12}"),
            SpiffeId = SpiffeId.Parse($"spiffe://example.org/ns/shop/sa/service-{i}"),
            Selectors = [Selector.Parse("unix:uid:1000")],
            CreatedAt = DateTimeOffset.UnixEpoch,
            Revision = 1,
        };

    private static byte[] MakeCsr()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest("", key, HashAlgorithmName.SHA256).CreateSigningRequest();
    }

    private sealed record Result(double PerSecond, double Bytes, double CpuMicroseconds);

    private sealed record Round(double OneCore, double Limit, Result Core, Result Store);
}
