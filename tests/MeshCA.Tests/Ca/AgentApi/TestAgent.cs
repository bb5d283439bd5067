using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using MeshCA.Protos.V1;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Ca.AgentApi;

/// <summary>An attested agent with a connection of its own.</summary>
internal sealed class TestAgent : IDisposable
{
    private readonly AgentApiHost _host;
    private readonly X509Certificate2 _certificate;
    private readonly SslStreamCertificateContext _context;
    private GrpcChannel _channel;

    public TestAgent(AgentApiHost host, Protos.V1.X509Svid svid, ECDsa key)
    {
        _host = host;
        using var leaf = X509CertificateLoader.LoadCertificate(svid.Chain[0].Span);
        _certificate = leaf.CopyWithPrivateKey(key);
        var intermediates = new X509Certificate2Collection();
        foreach (var der in svid.Chain.Skip(1))
        {
            intermediates.Add(X509CertificateLoader.LoadCertificate(der.Span));
        }

        _context = SslStreamCertificateContext.Create(_certificate, intermediates, offline: true);
        _channel = host.Connect(_context);
        SpiffeId = X509SvidVerifier.ReadId(svid.Chain[0].Memory);
    }

    public SpiffeId SpiffeId { get; }

    public SslStreamCertificateContext Context => _context;

    public string Id => SpiffeId.ToString()[(SpiffeId.ToString().LastIndexOf('/') + 1)..];

    public AgentService.AgentServiceClient Client => new(_channel);

    public static ByteString Csr(ECDsa? key = null)
    {
        using var made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return ByteString.CopyFrom(
            new System.Security.Cryptography.X509Certificates.CertificateRequest(
                "CN=ignored",
                key ?? made,
                HashAlgorithmName.SHA256
            ).CreateSigningRequest()
        );
    }

    /// <summary>After the server's restart on another port.</summary>
    public void Reconnect()
    {
        _channel.Dispose();
        _channel = _host.Connect(_context);
    }

    /// <summary>Opens a stream that asks for a snapshot, or to resume.</summary>
    public async Task<AsyncDuplexStreamingCall<SyncRequest, SyncResponse>> SyncAsync(
        CancellationToken ct,
        string storeId = "",
        long revision = 0
    )
    {
        var call = Client.Sync(cancellationToken: ct);
        await call.RequestStream.WriteAsync(
            new()
            {
                Hello = new()
                {
                    AgentVersion = "1.2.4",
                    StoreId = storeId,
                    Revision = revision,
                },
            },
            ct
        );
        return call;
    }

    public async Task<IssueResponse> IssueAsync(IssueRequest request, CancellationToken ct)
    {
        using var call = Client.Issue(cancellationToken: ct);
        await call.RequestStream.WriteAsync(request, ct);
        return await NextAsync(call.ResponseStream, ct);
    }

    /// <summary>A stream's next message, which must come.</summary>
    public static async Task<T> NextAsync<T>(IAsyncStreamReader<T> stream, CancellationToken ct)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(ct);
        timeout.CancelAfter(TimeSpan.FromSeconds(10));
        Assert.True(await stream.MoveNext(timeout.Token), "the stream has ended");
        return stream.Current;
    }

    public void Dispose()
    {
        _channel.Dispose();
        _certificate.Dispose();
    }
}
