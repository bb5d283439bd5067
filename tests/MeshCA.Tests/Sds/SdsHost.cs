using System.Net.Sockets;
using Grpc.Net.Client;
using MeshCA.Protos.Envoy.Service.Secret.V3;
using MeshCA.Sds;
using MeshCA.Testing.Sds;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace MeshCA.Tests.Sds;

/// <summary>The secret server on a real Unix socket, with real certificates, and clients of it.</summary>
internal sealed class SdsHost : IAsyncDisposable
{
    public const string TypeUrl = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
    public const string Workload = "spiffe://domain.test/workload";
    public const string OwnBundle = "spiffe://domain.test";
    public const string OtherBundle = "spiffe://otherdomain.test";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("meshca-sds-");
    private readonly WebApplication _app;
    private readonly List<GrpcChannel> _channels = [];

    private SdsHost(SdsOptions options)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddFakeLogging().SetMinimumLevel(LogLevel.Debug);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            UnixSocketHttp.Configure(kestrel);
            kestrel.ListenUnixSocket(SocketPath);
        });
        builder.Services.AddSingleton<ISecretSource>(Source);
        builder.Services.AddSds(options);
        _app = builder.Build();
        _app.MapSds();
    }

    public string SocketPath => Path.Combine(_directory.FullName, "agent.sock");

    public FakeSecretSource Source { get; } = new();

    public TestSecrets Own { get; } = new("domain.test");

    public TestSecrets Other { get; } = new("otherdomain.test");

    public SecretServer Server => _app.Services.GetRequiredService<SecretServer>();

    public FakeLogCollector Logs => _app.Services.GetFakeLogCollector();

    /// <summary>With the fixture of the vectors: one identity, one federated bundle.</summary>
    public static async Task<SdsHost> StartAsync(CancellationToken ct, SdsOptions? options = null)
    {
        var host = new SdsHost(options ?? new SdsOptions());
        host.SetIdentities(host.Own.Identity("/workload"));
        await host._app.StartAsync(ct);
        return host;
    }

    public void SetIdentities(params TlsIdentity[] identities) =>
        Source.Feed.Set(
            new SecretSnapshot
            {
                Identities = [.. identities],
                Bundle = Own.Bundle(),
                FederatedBundles = [Other.Bundle()],
            }
        );

    /// <summary>A client with a connection of its own.</summary>
    public SecretDiscoveryService.SecretDiscoveryServiceClient Connect()
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, ct) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), ct);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        var channel = GrpcChannel.ForAddress(
            "http://localhost",
            new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true }
        );
        _channels.Add(channel);
        return new(channel);
    }

    public SotwClient OpenSotw(CancellationToken ct) => new(Connect().StreamSecrets(cancellationToken: ct), ct);

    public DeltaClient OpenDelta(CancellationToken ct) => new(Connect().DeltaSecrets(cancellationToken: ct), ct);

    public void NoWarnings() => Assert.DoesNotContain(Logs.GetSnapshot(), r => r.Level >= LogLevel.Warning);

    public Task StopAsync(CancellationToken ct) => _app.StopAsync(ct);

    public async ValueTask DisposeAsync()
    {
        _channels.ForEach(c => c.Dispose());
        await _app.DisposeAsync();
        Own.Dispose();
        Other.Dispose();
        _directory.Delete(recursive: true);
    }
}
