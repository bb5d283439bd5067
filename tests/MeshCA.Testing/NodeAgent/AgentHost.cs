using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Grpc.Net.Client;
using MeshCA.NodeAgent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshCA.Testing.NodeAgent;

/// <summary>A whole agent in this process, on a real Unix socket in a temporary directory.</summary>
public sealed class AgentHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ListLoggerProvider _logs;

    private AgentHost(WebApplication app, AgentOptions options, ListLoggerProvider logs)
    {
        _app = app;
        _logs = logs;
        Options = options;
    }

    public AgentOptions Options { get; }

    public IServiceProvider Services => _app.Services;

    public AgentStatus Status => Services.GetRequiredService<AgentStatus>();

    /// <summary>Level and message of every log line, and the exception's if there is one.</summary>
    public ConcurrentQueue<(LogLevel Level, string Text)> Logs => _logs.Lines;

    /// <summary>Options for an agent of <paramref name="server"/> that keeps everything below <paramref name="directory"/>.</summary>
    public static AgentOptions OptionsFor(FakeServer server, string directory)
    {
        var bundle = Path.Combine(directory, "bundle.pem");
        File.WriteAllText(bundle, server.Ca.Bundle.ToPem());
        return new()
        {
            TrustDomain = server.Ca.TrustDomain,
            DataDir = Path.Combine(directory, "data"),
            Server = new DnsEndPoint("localhost", server.Port),
            TrustBundle = new() { File = bundle },
            JoinToken = new() { Token = "token-1" },
            SocketPath = Path.Combine(directory, "run", "agent.sock"),
            Management = null,
        };
    }

    public static async Task<AgentHost> StartAsync(
        AgentOptions options,
        CancellationToken ct,
        Action<IServiceCollection>? configure = null
    )
    {
        var logs = new ListLoggerProvider();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.AddProvider(logs);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.Logging.AddFilter("Grpc", LogLevel.Warning);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(3));
        configure?.Invoke(builder.Services);
        builder.Services.AddNodeAgent(options);
        builder.WebHost.ConfigureKestrel(kestrel => AgentSocket.Configure(kestrel, options));
        var app = builder.Build();
        app.MapNodeAgent();
        try
        {
            await app.StartAsync(ct);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        return new(app, options, logs);
    }

    /// <summary>A new connection to the agent's socket.</summary>
    public GrpcChannel Connect() => Connect(Options.SocketPath);

    public static GrpcChannel Connect(string socketPath) =>
        GrpcChannel.ForAddress(
            "http://localhost",
            new GrpcChannelOptions
            {
                MaxReceiveMessageSize = null,
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

    public async Task StopAsync() => await _app.StopAsync(CancellationToken.None);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}
