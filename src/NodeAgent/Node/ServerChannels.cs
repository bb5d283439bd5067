using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Grpc.Net.Client;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Node;

/// <summary>Opens mutual TLS channels to the server, which must be <c>spiffe://{trust domain}/meshca/server</c> and nobody else.</summary>
internal sealed class ServerChannels(AgentOptions options, TimeProvider time)
{
    /// <summary>A snapshot part or a batch of 500 answers fits; more is an error or an attack.</summary>
    private const int MaxMessageLength = 16 << 20;

    private static readonly TimeSpan _connectTimeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan _callTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan _pingDelay = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _pingTimeout = TimeSpan.FromSeconds(5);

    /// <summary>For a unary call that starts now. gRPC counts by the system's clock.</summary>
    public static DateTime Deadline() => (TimeProvider.System.GetUtcNow() + _callTimeout).UtcDateTime;

    /// <summary>A channel whose connections are made when needed.</summary>
    /// <param name="bundles">Asked at each handshake, so that a rotated root counts at once. Null: accept any server.</param>
    /// <param name="svid">The client certificate; null before attestation.</param>
    /// <param name="seen">Told the server's chain, leaf first.</param>
    public GrpcChannel Open(
        Func<IReadOnlyCollection<TrustBundle>>? bundles,
        NodeSvid? svid,
        Action<IReadOnlyList<ReadOnlyMemory<byte>>>? seen = null
    )
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = ConnectAsync,
            ConnectTimeout = _connectTimeout * 4,
            EnableMultipleHttp2Connections = false,
            KeepAlivePingDelay = _pingDelay,
            KeepAlivePingTimeout = _pingTimeout,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            UseProxy = false,
            SslOptions = new SslClientAuthenticationOptions
            {
                // A resumed session is not verified again.
                AllowTlsResume = false,
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                ClientCertificateContext = svid?.Certificate,
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    RevocationMode = X509RevocationMode.NoCheck,
                    DisableCertificateDownloads = true,
                },
                RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
                    Verify(certificate, chain, bundles, seen),
            },
        };
        return GrpcChannel.ForAddress(
            new UriBuilder(Uri.UriSchemeHttps, options.Server.Host, options.Server.Port).Uri,
            new GrpcChannelOptions
            {
                HttpHandler = handler,
                DisposeHttpClient = true,
                MaxReceiveMessageSize = MaxMessageLength,
                MaxSendMessageSize = MaxMessageLength,
            }
        );
    }

    private bool Verify(
        X509Certificate? certificate,
        X509Chain? chain,
        Func<IReadOnlyCollection<TrustBundle>>? bundles,
        Action<IReadOnlyList<ReadOnlyMemory<byte>>>? seen
    )
    {
        if (certificate is null)
        {
            throw new AuthenticationException("the server sent no certificate");
        }

        ReadOnlyMemory<byte>[] der =
        [
            certificate.GetRawCertData(),
            .. chain?.ChainPolicy.ExtraStore.Select(c => new ReadOnlyMemory<byte>(c.RawData)) ?? [],
        ];
        if (bundles is not null)
        {
            CheckServer(der, bundles());
        }

        seen?.Invoke(der);
        return true;
    }

    /// <summary>Refuses every identity but the server's.</summary>
    /// <exception cref="AuthenticationException">The chain is not the server's of this trust domain.</exception>
    public void CheckServer(IReadOnlyList<ReadOnlyMemory<byte>> chain, IReadOnlyCollection<TrustBundle> bundles)
    {
        try
        {
            var id = X509SvidVerifier.Verify(chain, bundles, time.GetUtcNow());
            var expected = ReservedIds.Server(options.TrustDomain);
            if (id != expected)
            {
                throw new AuthenticationException($"the server is {id}, expected {expected}");
            }
        }
        catch (MeshCaException e)
        {
            throw new AuthenticationException($"the server's certificate is refused: {e.Message}", e);
        }
    }

    /// <summary>Tries each address that the name has, so that one dead replica does not stop the agent.</summary>
    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken ct)
    {
        var endPoint = context.DnsEndPoint;
        var addresses = await Dns.GetHostAddressesAsync(endPoint.Host, ct);
        Exception? last = null;
        foreach (var address in addresses)
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                using var timeout = CancellationTokenSource.CreateLinkedTokenSource(ct);
                timeout.CancelAfter(_connectTimeout);
                await socket.ConnectAsync(new IPEndPoint(address, endPoint.Port), timeout.Token);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception e) when (!ct.IsCancellationRequested)
            {
                socket.Dispose();
                last = e;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        throw new IOException($"no address of {endPoint.Host} port {endPoint.Port} can be reached", last);
    }
}
