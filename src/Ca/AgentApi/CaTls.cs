using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MeshCA.Ca.Authorities;
using MeshCA.Ca.Bundles;
using MeshCA.Spiffe;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace MeshCA.Ca.AgentApi;

/// <summary>
/// TLS of the gRPC listener: the server's own X509-SVID, a client certificate that is optional but, where there is one, an
/// X509-SVID of our trust domain, and no resumption, since a resumed session is not verified again.
/// </summary>
public sealed partial class CaTls(ServerSvid server, BundleRegistry bundles, TimeProvider time, ILogger<CaTls> logger)
{
    private static readonly TimeSpan _handshakeTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Makes a listener the one that agents connect to.</summary>
    public void Configure(ListenOptions listen)
    {
        listen.Protocols = HttpProtocols.Http2;
        listen.UseHttps(
            new TlsHandshakeCallbackOptions
            {
                HandshakeTimeout = _handshakeTimeout,
                OnConnection = _ => ValueTask.FromResult(NewOptions()),
            }
        );
    }

    private SslServerAuthenticationOptions NewOptions()
    {
        var bundle = bundles.Own;
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,

            // A peer's certificate must not make us fetch an address that it names.
            DisableCertificateDownloads = true,
        };
        return new()
        {
            ServerCertificateContext = server.Context,
            ClientCertificateRequired = true,
            CertificateChainPolicy = policy,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            AllowRenegotiation = false,
            AllowTlsResume = false,
            RemoteCertificateValidationCallback = (_, peer, chain, _) => Accept(peer, chain, bundle),
        };
    }

    /// <summary>What .NET makes of the chain does not count: only the bundle does.</summary>
    private bool Accept(X509Certificate? peer, X509Chain? chain, TrustBundle bundle)
    {
        if (peer is null)
        {
            return true;
        }

        try
        {
            X509SvidVerifier.Verify(
                (X509Certificate2)peer,
                chain?.ChainPolicy.ExtraStore ?? [],
                [bundle],
                time.GetUtcNow()
            );
            return true;
        }
        catch (MeshCaException e)
        {
            LogRefused(e.Message);
            return false;
        }
    }

    [LoggerMessage(LogLevel.Warning, "Refused a connection: {Reason}")]
    private partial void LogRefused(string reason);
}
