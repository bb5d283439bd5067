using System.Net;
using System.Text.Json;
using MeshCA.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshCA.Tests.Hosting;

/// <summary>Two listeners of one host: what one serves the other does not.</summary>
public sealed class ListenersTests : IAsyncLifetime
{
    private static readonly IPEndPoint _free = new(IPAddress.Loopback, 0);

    private readonly HttpClient _http = new();
    private ReadinessReport _report = new(IsReady: true, [new("store", "ok", null)]);
    private IHost _host = null!;

    private string Api => Address(0);

    private string ManagementAddress => Address(1);

    public async ValueTask InitializeAsync()
    {
        _host = HostFactory.Build(
            LogLevel.Warning,
            static services => Management.AddServices(services, _free),
            static kestrel =>
            {
                kestrel.Listen(_free, static listen => listen.Mark(Listener.AgentApi).Protocols = HttpProtocols.Http1);
                Management.Listen(kestrel, _free);
            },
            app =>
            {
                app.OnListener(
                    Listener.AgentApi,
                    static branch =>
                    {
                        branch.UseRouting();
                        branch.UseEndpoints(static e => e.MapGet("/api", static c => c.Response.WriteAsync("api")));
                    }
                );
                Management.Map(app, () => _report);
            }
        );
        await _host.StartAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(CancellationToken.None);
        _host.Dispose();
        _http.Dispose();
    }

    [Theory]
    [InlineData("/healthz")]
    [InlineData("/readyz")]
    [InlineData("/metrics")]
    public async Task Management_OnTheOtherListener_IsNotFound(string path)
    {
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(ManagementAddress + path)).Code);
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(Api + path)).Code);
    }

    [Fact]
    public async Task Api_OnTheManagementListener_IsNotFound()
    {
        Assert.Equal((HttpStatusCode.OK, "api"), await GetAsync(Api + "/api"));
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(ManagementAddress + "/api")).Code);
    }

    [Fact]
    public async Task Readyz_PartIsWrong_IsNamed()
    {
        _report = new(IsReady: true, [new("store", "ok", null), new("signer:root", "degraded", "it is away")]);

        var (code, text) = await GetAsync(ManagementAddress + "/readyz");

        Assert.Equal(HttpStatusCode.OK, code);
        var json = JsonDocument.Parse(text).RootElement;
        Assert.Equal("degraded", json.GetProperty("status").GetString());
        var signer = json.GetProperty("components")[1];
        Assert.Equal("signer:root", signer.GetProperty("name").GetString());
        Assert.Equal("degraded", signer.GetProperty("status").GetString());
        Assert.Equal("it is away", signer.GetProperty("detail").GetString());
    }

    [Fact]
    public async Task Readyz_CannotWork_Is503AndHealthzIsStill200()
    {
        _report = new(IsReady: false, [new("store", "down", "the disk is full")]);

        var (code, text) = await GetAsync(ManagementAddress + "/readyz");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, code);
        Assert.Contains("\"status\":\"unhealthy\"", text, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.OK, "ok\n"), await GetAsync(ManagementAddress + "/healthz"));
    }

    [Fact]
    public async Task Healthz_Post_IsNotAllowed()
    {
        using var response = await _http.PostAsync(
            ManagementAddress + "/healthz",
            null,
            TestContext.Current.CancellationToken
        );

        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
    }

    [Fact]
    public void Addresses_AreOnlyThoseAskedFor() => Assert.Equal(2, Addresses().Count);

    private string Address(int index) => Addresses().ElementAt(index);

    private ICollection<string> Addresses() =>
        _host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;

    private async Task<(HttpStatusCode Code, string Text)> GetAsync(string url)
    {
        using var response = await _http.GetAsync(url, TestContext.Current.CancellationToken);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
