using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MeshCA.EndToEndTests.Parts;

/// <summary>The plain HTTP app behind an Envoy: answers with its name and the caller's identity as its Envoy reports it.</summary>
internal sealed class App : IAsyncDisposable
{
    private readonly WebApplication _host;

    private App(WebApplication host) => _host = host;

    public int Port =>
        new Uri(
            _host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()
        ).Port;

    public static async Task<App> StartAsync(string name, CancellationToken ct)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static k => k.Listen(IPAddress.Loopback, 0));
        var host = builder.Build();
        host.Run(http => http.Response.WriteAsync($"{name} {http.Request.Headers["x-forwarded-client-cert"]}"));
        await host.StartAsync(ct);
        return new(host);
    }

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();
}
