using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Claims;
using System.Text;
using MeshCA.Ca;
using MeshCA.Ca.Issuance;
using MeshCA.Ca.Rest;
using MeshCA.Ca.Store;
using MeshCA.Ca.Store.Sqlite;
using MeshCA.Tests.Ca.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace MeshCA.Tests.Ca.Rest;

/// <summary>The admin API on a real Unix socket, over a real store.</summary>
internal sealed class AdminHost : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("meshca-rest-").FullName;
    private readonly Action<IServiceCollection>? _configure;
    private WebApplication _app = null!;

    private AdminHost(Action<IServiceCollection>? configure)
    {
        _configure = configure;
        Http = NewClient();
    }

    public StoreFixture Store { get; } = new();

    public HttpClient Http { get; }

    public string Socket => Path.Combine(_directory, "admin.sock");

    public CaReadiness Readiness { get; } = new();

    /// <summary>The name that the host gives callers.</summary>
    public string Caller { get; set; } = "uid:1000";

    public FakeLogCollector Log { get; private set; } = null!;

    public IReadOnlyList<Route> Routes => _app.Services.GetRequiredService<AdminApi>().Routes;

    public static async Task<AdminHost> StartAsync(Action<IServiceCollection>? configure = null)
    {
        var host = new AdminHost(configure);
        await host.RunAsync();
        return host;
    }

    /// <summary>A connection of its own.</summary>
    public HttpClient NewClient() =>
        new(
            new SocketsHttpHandler
            {
                // A listening Unix socket queues 512 connections and refuses the next.
                MaxConnectionsPerServer = 64,
                ConnectCallback = async (_, ct) => new NetworkStream(await ConnectAsync(ct), ownsSocket: true),
            }
        )
        {
            BaseAddress = new Uri("http://localhost"),
            Timeout = TimeSpan.FromSeconds(30),
        };

    public async Task<Socket> ConnectAsync(CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), ct);
        return socket;
    }

    /// <summary>Ends the server and starts another one on the same store.</summary>
    public async Task RestartAsync()
    {
        await _app.DisposeAsync();
        await Store.ReopenAsync(TestContext.Current.CancellationToken);
        await RunAsync();
    }

    public async Task<Answer> SendAsync(
        HttpMethod method,
        string path,
        string? body = null,
        string contentType = "application/json",
        params (string Name, string Value)[] headers
    )
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            if (contentType.Length > 0)
            {
                request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
            }
        }

        foreach (var (name, value) in headers)
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        }

        return await SendAsync(request);
    }

    public async Task<Answer> SendAsync(HttpRequestMessage request)
    {
        var ct = TestContext.Current.CancellationToken;
        using var response = await Http.SendAsync(request, ct);
        return new(response, await response.Content.ReadAsStringAsync(ct));
    }

    public Task<Answer> GetAsync(string path, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Get, path, headers: headers);

    public Task<Answer> PostAsync(string path, string? body, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, path, body, headers: headers);

    /// <summary>Creates an entry and returns its id.</summary>
    public async Task<string> CreateEntryAsync(string name, string selector = "unix:uid:1000")
    {
        var answer = await PostAsync("/v1/entries", Entry(name, selector));
        Assert.Equal(HttpStatusCode.Created, answer.Status);
        return (string)answer.Json["id"]!;
    }

    public static string Entry(string name, string selector = "unix:uid:1000") =>
        $$"""{"spiffeId":"spiffe://example.org/{{name}}","selectors":["{{selector}}"]}""";

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Http.Dispose();
        await Store.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
        Assert.DoesNotContain(
            Log.GetSnapshot(),
            static r => r.Level >= LogLevel.Error && !r.Message.Contains("/v1/test-defect", StringComparison.Ordinal)
        );
    }

    private async Task RunAsync()
    {
        File.Delete(Socket);
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(k => k.ListenUnixSocket(Socket));
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Information).AddFakeLogging();
        builder
            .Services.AddSingleton<TimeProvider>(Store.Time)
            .AddSingleton(Store.Options)
            .AddSingleton(Readiness)
            .AddSingleton(Store.Database)
            .AddSingleton<IDataStore>(Store.Store)
            .AddSingleton<IIssuanceLedger>(new SqliteLedger(Store.Database, Store.Time))
            .AddSingleton(Store.Entries)
            .AddSingleton(Store.Agents)
            .AddSingleton(Store.Tokens)
            .AddSingleton(Store.Bundles)
            .AddAdminApi();
        _configure?.Invoke(builder.Services);
        _app = builder.Build();
        _app.Use(
            (http, next) =>
            {
                http.User = new(new ClaimsIdentity([new(ClaimTypes.Name, Caller)], "peer"));
                return next(http);
            }
        );
        _app.MapAdminApi();
        await _app.StartAsync(TestContext.Current.CancellationToken);
        Log = _app.Services.GetFakeLogCollector();
    }
}
