using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using MeshCA.EndToEndTests.Parts;
using MeshCA.Protos.Workload;

namespace MeshCA.EndToEndTests;

/// <summary>Changes in number: each reaches its stream at once, and many of them are coalesced. The figures are printed.</summary>
[Collection(nameof(Alone))]
public sealed class LoadTests
{
    [Fact]
    public async Task Push_FiftyEntriesBesideFiveHundredStreams_P99IsUnder250Ms()
    {
        var ct = TestContext.Current.CancellationToken;
        var sdsLoad = RealPart.SdsLoad;
        using var dir = new TestDirectory();
        await using var dev = await Dev.StartAsync(dir["d"], ct);

        var (code, stdout, stderr) = await Program.RunAsync(
            sdsLoad,
            [
                "push",
                "--socket",
                dev.Socket,
                "--admin",
                dev.Admin,
                "--entries",
                "50",
                "--streams",
                "500",
                "--max-p99-ms",
                "250",
            ],
            ct
        );

        TestContext.Current.TestOutputHelper!.WriteLine(stdout);
        Assert.True(code == 0, stdout + stderr + dev.Program.Tail());
    }

    [Theory]
    [InlineData(1_000, 1.0)]
    [InlineData(5_000, 4.0)]
    public async Task ManyIdentities_OfOneWorkload_AreCoalesced(int count, double seconds)
    {
        var ct = TestContext.Current.CancellationToken;
        using var dir = new TestDirectory();
        await using var dev = await Dev.StartAsync(dir["d"], ct);
        using var channel = Channel(dev.Socket);
        var client = new SpiffeWorkloadAPI.SpiffeWorkloadAPIClient(channel);
        using var call = client.FetchX509SVID(
            new X509SVIDRequest(),
            new Metadata { { "workload.spiffe.io", "true" } },
            cancellationToken: ct
        );
        Assert.True(await call.ResponseStream.MoveNext(ct));
        var created = new TaskCompletionSource<long>();
        var bytes = 0L;
        var messages = 0;
        var final = 0;
        var reader = Task.Run(
            async () =>
            {
                while (await call.ResponseStream.MoveNext(ct))
                {
                    final = call.ResponseStream.Current.CalculateSize();
                    bytes += final;
                    messages++;
                    if (call.ResponseStream.Current.Svids.Count == count + 1)
                    {
                        return Stopwatch.GetTimestamp();
                    }
                }

                throw new InvalidOperationException("the stream ended");
            },
            ct
        );

        var clock = Stopwatch.StartNew();
        await CreateAsync(dev, count, ct);
        var last = Stopwatch.GetTimestamp();
        var creation = clock.Elapsed;
        var complete = await reader.WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System, ct);

        var after = Math.Max(0, Stopwatch.GetElapsedTime(last, complete).TotalSeconds);
        var figures = string.Create(
            CultureInfo.InvariantCulture,
            $"{count} entries created in {creation.TotalSeconds:0.00} s; all on the stream {after:0.00} s after the last; {messages} messages, {bytes:N0} bytes, the final one {final:N0}: {(double)bytes / final:0.0} x"
        );
        TestContext.Current.TestOutputHelper!.WriteLine(figures);
        Assert.True(bytes <= 5L * final, figures);
        Assert.True(after <= seconds, figures);
    }

    private static async Task CreateAsync(Dev dev, int count, CancellationToken ct)
    {
        using var api = new AdminApi(dev.Admin);
        await Parallel.ForAsync(
            0,
            count,
            new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = ct },
            async (i, token) =>
                await api.PostAsync(
                    "/v1/entries",
                    new()
                    {
                        ["spiffeId"] = string.Create(CultureInfo.InvariantCulture, $"spiffe://example.org/many/{i}"),
                        ["selectors"] = new System.Text.Json.Nodes.JsonArray($"unix:uid:{Self.Uid}"),
                    },
                    token
                )
        );
    }

    private static GrpcChannel Channel(string socketPath) =>
        GrpcChannel.ForAddress(
            "http://localhost",
            new GrpcChannelOptions
            {
                // Thousands of SVIDs are far above the 4 MiB that gRPC clients accept by default.
                MaxReceiveMessageSize = 64 << 20,
                HttpHandler = new SocketsHttpHandler
                {
                    ConnectCallback = async (_, ct) =>
                    {
                        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                        await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), ct);
                        return new NetworkStream(socket, ownsSocket: true);
                    },
                },
                DisposeHttpClient = true,
            }
        );
}
