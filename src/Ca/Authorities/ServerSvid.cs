using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshCA.Ca.Issuance;
using MeshCA.Spiffe;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshCA.Ca.Authorities;

/// <summary>The server's own X509-SVID, for its TLS listeners: issued by itself, its key in memory only, kept fresh.</summary>
public sealed partial class ServerSvid(
    AuthorityKeeper authorities,
    IssuancePipeline pipeline,
    ServerOptions options,
    TimeProvider time,
    ILogger<ServerSvid> logger
) : BackgroundService
{
    private static readonly TimeSpan _minDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _maxDelay = TimeSpan.FromDays(1);
    private static readonly TimeSpan _maxBackoff = TimeSpan.FromMinutes(1);

    private volatile Issued? _current;

    /// <summary>Why the last renewal failed; null = it did not.</summary>
    private volatile string? _failure;

    /// <summary>Certificate, key and chain for new handshakes. Ask for it at each: it changes.</summary>
    /// <exception cref="MeshCaException">Unavailable: not made yet.</exception>
    public SslStreamCertificateContext Context =>
        _current?.Context
        ?? throw new MeshCaException(ErrorKind.Unavailable, "the server has no certificate yet; try again in a moment");

    public DateTimeOffset? NotAfter => _current?.NotAfter;

    /// <summary>For readiness: whether agents can verify this server, and what an operator must know otherwise.</summary>
    public ComponentStatus CheckHealth() =>
        _current switch
        {
            null => new(CaReadiness.ServerSvid, ComponentState.Down, $"the server has no certificate: {_failure}"),
            { NotAfter: var end } when end <= time.GetUtcNow() => new(
                CaReadiness.ServerSvid,
                ComponentState.Down,
                $"the server's certificate has expired at {end:u} and could not be renewed: {_failure}"
            ),
            { NotAfter: var end } when _failure is not null => new(
                CaReadiness.ServerSvid,
                ComponentState.Degraded,
                $"the server's certificate ends at {end:u} and could not be renewed: {_failure}"
            ),
            _ => new(CaReadiness.ServerSvid, ComponentState.Ok, Problem: null),
        };

    /// <summary>Issues the first one. After the authority is initialized, before anything is served.</summary>
    public async Task InitializeAsync(CancellationToken ct) => _current = await IssueAsync(ct);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var backoff = _minDelay;
        while (true)
        {
            TimeSpan delay;
            try
            {
                if (_current is null || _current.RenewAt <= time.GetUtcNow())
                {
                    _current = await IssueAsync(stoppingToken);
                    LogRenewed(_current.NotAfter);
                }

                _failure = null;
                delay = Clamp(RotationSchedule.DelayUntil(_current.RenewAt, time.GetUtcNow()), _minDelay, _maxDelay);
                backoff = _minDelay;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // The present certificate is good until it expires.
                delay = backoff;
                backoff = Clamp(backoff * 2, _minDelay, _maxBackoff);
                _failure = e is MeshCaException ? e.Message : "an unexpected failure; see the server's log";
                LogRenewalFailed(e, delay);
            }

            await Task.Delay(delay, time, stoppingToken);
        }
    }

    private async Task<Issued> IssueAsync(CancellationToken ct)
    {
        var csr = OwnKey.MakeCsr(out var key);
        using (key)
        {
            var issued = await X509Issuer.IssueOneAsync(
                pipeline,
                authorities.Current,
                () => IssuanceRequest.ForServer(csr, options.TrustDomain, options.X509SvidTtl),
                ct
            );
            return new(
                MakeContext(issued, key),
                issued.NotAfter,
                RotationSchedule.RenewAt(issued.IssuedAt, issued.NotAfter, issued.Chain[0].Span)
            );
        }
    }

    /// <summary>Handshakes may still use the context before this one, so nobody disposes of it: it goes with its last user.</summary>
    private static SslStreamCertificateContext MakeContext(IssuedChain issued, ECDsa key)
    {
        using var leaf = X509CertificateLoader.LoadCertificate(issued.Chain[0].Span);
        var intermediates = new X509Certificate2Collection();
        foreach (var der in issued.Chain.AsSpan()[1..])
        {
            intermediates.Add(X509CertificateLoader.LoadCertificate(der.Span));
        }

        // Offline: it asks no one about the certificate.
        return SslStreamCertificateContext.Create(leaf.CopyWithPrivateKey(key), intermediates, offline: true);
    }

    private static TimeSpan Clamp(TimeSpan value, TimeSpan min, TimeSpan max) =>
        TimeSpan.FromTicks(Math.Clamp(value.Ticks, min.Ticks, max.Ticks));

    [LoggerMessage(LogLevel.Information, "Renewed the server's X509-SVID, valid until {NotAfter}")]
    private partial void LogRenewed(DateTimeOffset notAfter);

    [LoggerMessage(LogLevel.Warning, "Could not renew the server's X509-SVID; retrying in {Delay}")]
    private partial void LogRenewalFailed(Exception e, TimeSpan delay);

    private sealed record Issued(SslStreamCertificateContext Context, DateTimeOffset NotAfter, DateTimeOffset RenewAt);
}
