using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using MeshCA.NodeAgent;
using MeshCA.Protos.Workload;
using MeshCA.Testing.NodeAgent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MeshCA.Tests.NodeAgent;

/// <summary>What tests of a whole agent share: a fake server, a directory, an agent, connections to it.</summary>
public abstract class AgentTests : IAsyncLifetime
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    private readonly List<GrpcChannel> _channels = [];

    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    protected static uint OwnUid { get; } =
        uint.Parse(
            File.ReadLines("/proc/self/status").First(l => l.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[
                1
            ],
            CultureInfo.InvariantCulture
        );

    protected static string OwnUidSelector => $"unix:uid:{OwnUid}";

    protected static Metadata Header => new() { { "workload.spiffe.io", "true" } };

    protected FakeServer Server { get; } = new();

    protected string Dir { get; } = Directory.CreateTempSubdirectory("meshca-agent-").FullName;

    protected AgentHost? Agent { get; set; }

    /// <summary>Set by tests that provoke errors.</summary>
    protected bool ErrorsExpected { get; set; }

    protected AgentOptions Options => AgentHost.OptionsFor(Server, Dir);

    public virtual async ValueTask InitializeAsync() => await Server.StartAsync(Ct);

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        _channels.ForEach(c => c.Dispose());
        var errors = Agent?.Logs.Where(l => l.Level >= LogLevel.Error).Select(l => l.Text).ToList() ?? [];
        if (Agent is not null)
        {
            await Agent.StopAsync();
            await Agent.DisposeAsync();
        }

        await Server.DisposeAsync();
        Directory.Delete(Dir, recursive: true);
        if (!ErrorsExpected)
        {
            Assert.Empty(errors);
        }
    }

    protected async Task<AgentHost> StartAgentAsync(Action<IServiceCollection>? configure = null) =>
        Agent = await AgentHost.StartAsync(Options, Ct, configure);

    protected async Task StartSyncedAgentAsync(Action<IServiceCollection>? configure = null)
    {
        await StartAgentAsync(configure);
        await WaitAsync(() => Agent!.Status.IsInSync);
    }

    protected SpiffeWorkloadAPI.SpiffeWorkloadAPIClient Client()
    {
        var channel = Agent!.Connect();
        _channels.Add(channel);
        return new(channel);
    }

    protected AsyncServerStreamingCall<X509SVIDResponse> FetchX509Svid() =>
        Client().FetchX509SVID(new(), Header, cancellationToken: Ct);

    protected static async Task<T> NextAsync<T>(AsyncServerStreamingCall<T> call)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        timeout.CancelAfter(_patience);
        Assert.True(await call.ResponseStream.MoveNext(timeout.Token), "the stream ended");
        return call.ResponseStream.Current;
    }

    protected static async Task<RpcException> FailureAsync<T>(AsyncServerStreamingCall<T> call) =>
        await Assert.ThrowsAsync<RpcException>(async () =>
        {
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(Ct);
            timeout.CancelAfter(_patience);
            while (await call.ResponseStream.MoveNext(timeout.Token)) { }
        });

    /// <summary>True if nothing comes for a while.</summary>
    protected static async Task<bool> IsSilentAsync<T>(AsyncServerStreamingCall<T> call, Task<bool>? reading = null)
    {
        reading ??= call.ResponseStream.MoveNext(Ct);
        var first = await Task.WhenAny(reading, Task.Delay(TimeSpan.FromMilliseconds(400), TimeProvider.System, Ct));
        return first != reading;
    }

    protected static async Task WaitAsync(Func<bool> condition)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < _patience, "it did not happen in time");
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, Ct);
        }
    }

    protected static string[] Ids(X509SVIDResponse response) => [.. response.Svids.Select(s => s.SpiffeId)];

    protected static byte[] Bytes(ByteString bytes) => bytes.ToByteArray();
}
