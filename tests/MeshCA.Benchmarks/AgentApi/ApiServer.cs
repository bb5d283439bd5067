using System.Net;
using MeshCA.Ca;
using MeshCA.Ca.AgentApi;
using MeshCA.Ca.Agents;
using MeshCA.Ca.Bundles;
using MeshCA.Ca.Entries;
using MeshCA.Signers.Disk;
using MeshCA.Spiffe;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MeshCA.Benchmarks.AgentApi;

/// <summary>The server's agent API on a loopback port, over TLS and a store file, as <c>meshca server run</c> has it.</summary>
internal sealed class ApiServer : IAsyncDisposable
{
    private readonly DirectoryInfo _directory;
    private readonly WebApplication _app;

    private ApiServer(DirectoryInfo directory, WebApplication app) => (_directory, _app) = (directory, app);

    public EntryRegistry Entries => _app.Services.GetRequiredService<EntryRegistry>();

    public BundleRegistry Bundles => _app.Services.GetRequiredService<BundleRegistry>();

    public JoinTokens Tokens => _app.Services.GetRequiredService<JoinTokens>();

    public Uri Address =>
        new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    public static async Task<ApiServer> StartAsync(CancellationToken ct)
    {
        var directory = Directory.CreateTempSubdirectory("meshca-benchmark-");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddCa(
            new ServerOptions
            {
                TrustDomain = TrustDomain.Parse("example.org"),
                DataDir = directory.FullName,
                SqlitePath = Path.Combine(directory.FullName, "meshca.db"),
                Signers =
                [
                    new DiskSignerOptions { Name = "root", Path = Path.Combine(directory.FullName, "root.pem") },
                ],
                Authority = new AuthorityOptions { RootSigner = "root", IssuingDirect = true },
            }
        );
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Listen(
                IPAddress.Loopback,
                0,
                listen => listen.ApplicationServices.GetRequiredService<CaTls>().Configure(listen)
            );
        });
        var app = builder.Build();
        app.MapAgentApi();
        await app.StartAsync(ct);
        return new(directory, app);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _directory.Delete(recursive: true);
    }
}
