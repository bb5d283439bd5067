using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Net.Client;
using MeshCA.Ca;
using MeshCA.Ca.AgentApi;
using MeshCA.Ca.Agents;
using MeshCA.Ca.Bundles;
using MeshCA.Ca.Entries;
using MeshCA.Protos.V1;
using MeshCA.Signers.Disk;
using MeshCA.Spiffe;
using MeshCA.Tests.Ca.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MeshCA.Tests.Ca.AgentApi;

/// <summary>The agent API in a real Kestrel over loopback TLS, on a store file. Can be stopped and started again.</summary>
internal sealed class AgentApiHost : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("meshca-api-").FullName;
    private readonly Func<ServerOptions, ServerOptions> _change;
    private WebApplication _app = null!;

    private AgentApiHost(Func<ServerOptions, ServerOptions> change) => _change = change;

    public EntryRegistry Entries => _app.Services.GetRequiredService<EntryRegistry>();

    public AgentRegistry Agents => _app.Services.GetRequiredService<AgentRegistry>();

    public BundleRegistry Bundles => _app.Services.GetRequiredService<BundleRegistry>();

    public JoinTokens Tokens => _app.Services.GetRequiredService<JoinTokens>();

    public Uri Address =>
        new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    public static async Task<AgentApiHost> StartAsync(
        CancellationToken ct,
        Func<ServerOptions, ServerOptions>? change = null
    )
    {
        var host = new AgentApiHost(change ?? (options => options));
        await host.OpenAsync(ct);
        return host;
    }

    public async Task RestartAsync(CancellationToken ct)
    {
        await _app.DisposeAsync();
        await OpenAsync(ct);
    }

    /// <summary>An agent with an X509-SVID, got with a new join token.</summary>
    public async Task<TestAgent> AttestAsync(CancellationToken ct)
    {
        var token = await Tokens.CreateAsync(ttl: null, dryRun: false, ct);
        using var channel = Connect(client: null);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var answer = await new AgentService.AgentServiceClient(channel).AttestAsync(
            new()
            {
                JoinToken = token.Token,
                Csr = TestAgent.Csr(key),
                AgentVersion = "1.2.3",
            },
            cancellationToken: ct
        );
        return new TestAgent(this, answer.Svid, key);
    }

    public GrpcChannel Connect(SslStreamCertificateContext? client) =>
        GrpcChannel.ForAddress(
            Address,
            new GrpcChannelOptions
            {
                DisposeHttpClient = true,
                MaxReceiveMessageSize = 4 * 1024 * 1024,
                HttpHandler = NewHandler(client),
            }
        );

    public SocketsHttpHandler NewHandler(SslStreamCertificateContext? client) =>
        new()
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                TargetHost = "meshca",
                ClientCertificateContext = client,
                RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
                    X509SvidVerifier.Verify(
                        (X509Certificate2)certificate!,
                        chain!.ChainPolicy.ExtraStore,
                        [Bundles.Own],
                        TimeProvider.System.GetUtcNow()
                    ) == ReservedIds.Server(Bundles.Own.TrustDomain),
            },
        };

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task OpenAsync(CancellationToken ct)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddCa(
            _change(
                StoreFixture.NewOptions(_directory) with
                {
                    Signers = [new DiskSignerOptions { Name = "root", Path = Path.Combine(_directory, "root.pem") }],
                }
            )
        );
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            // As in the server: streams may be silent for hours.
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Listen(
                IPAddress.Loopback,
                0,
                listen => listen.ApplicationServices.GetRequiredService<CaTls>().Configure(listen)
            );
        });
        _app = builder.Build();
        _app.MapAgentApi();
        await _app.StartAsync(ct);
    }
}
