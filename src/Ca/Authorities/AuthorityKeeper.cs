using System.Collections.Immutable;
using MeshCA.Ca.Bundles;
using MeshCA.Ca.Issuance;
using MeshCA.Ca.Store;
using MeshCA.Signers;
using MeshCA.Signers.Memory;
using MeshCA.Spiffe;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshCA.Ca.Authorities;

/// <summary>
/// Has the trust domain's root and the authority that issues, publishes the root in our own bundle, and renews an
/// intermediate ahead of need. Safe for concurrent use.
/// </summary>
public sealed partial class AuthorityKeeper : BackgroundService, IAsyncDisposable
{
    private static readonly TimeSpan _minBackoff = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _maxBackoff = TimeSpan.FromMinutes(1);

    /// <summary>So often it looks for roots that nothing needs any more, even where there is no intermediate to renew.</summary>
    private static readonly TimeSpan _maxDelay = TimeSpan.FromHours(1);

    private readonly ServerOptions _options;
    private readonly IDataStore _store;
    private readonly IIssuanceLedger _ledger;
    private readonly BundleRegistry _bundles;
    private readonly CaCertificates _certificates;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger<AuthorityKeeper> _logger;
    private readonly List<ISigner> _signers = [];
    private volatile IssuingAuthority? _current;
    private bool _disposed;

    public AuthorityKeeper(
        ServerOptions options,
        IDataStore store,
        IIssuanceLedger ledger,
        BundleRegistry bundles,
        IssuancePipeline pipeline,
        TimeProvider time,
        ILoggerFactory loggers
    )
    {
        _options = options;
        _store = store;
        _ledger = ledger;
        _bundles = bundles;
        _certificates = new(ledger, pipeline, time);
        _time = time;
        _loggers = loggers;
        _logger = loggers.CreateLogger<AuthorityKeeper>();
    }

    /// <summary>The authority that issues leaves now.</summary>
    /// <exception cref="MeshCaException">Unavailable: there is none, or its time is over.</exception>
    public IssuingAuthority Current =>
        _current is not { } current
            ? throw new MeshCaException(
                ErrorKind.Unavailable,
                "there is no issuing authority yet; try again in a moment"
            )
        : current.NotAfter > _time.GetUtcNow() ? current
        : throw new MeshCaException(
            ErrorKind.Unavailable,
            $"the issuing authority {current.Id} has ended at {current.NotAfter:u} and could not be renewed; see the server's log"
        );

    /// <summary>Opens the root signer, has its certificate ready, publishes it and makes the issuing authority. Before anything is served.</summary>
    /// <exception cref="MeshCaException">The configuration, the signer or the store does not allow it: the server does not start.</exception>
    public async Task InitializeAsync(CancellationToken ct)
    {
        CheckLifetimes();
        var root = await OpenRootAsync(ct);
        await PublishAsync(ct);
        _current = _options.Authority.IssuingDirect ? root : await IssueIntermediateAsync(root, ct);
        LogReady(_current.Id, _current.NotAfter);
    }

    /// <summary>For readiness: whether certificates can be issued, and what an operator must know otherwise.</summary>
    public AuthorityHealth CheckHealth()
    {
        var now = _time.GetUtcNow();
        if (_current is not { } current || current.NotAfter <= now)
        {
            return new(CanIssue: false, "there is no issuing authority", IssuesUntil: null);
        }

        // An intermediate is renewed at half of its life: in its last third that has failed for long.
        var life = current.NotAfter - current.IssuedAt;
        var overdue = current.Root != current && now > current.NotAfter - (life / 3);
        return new(
            CanIssue: !overdue,
            overdue ? $"the issuing authority ends at {current.NotAfter:u} and could not be renewed" : null,
            current.NotAfter
        );
    }

    /// <summary>Asks the root signer whether it can be reached. It does not sign for this.</summary>
    public async Task<SignerHealth> CheckRootSignerAsync(CancellationToken ct) =>
        _current is { } current
            ? await current.Root.Signer.CheckHealthAsync(ct)
            : new SignerHealth(Healthy: false, "the root signer is not open");

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        base.Dispose();
        foreach (var signer in _signers)
        {
            await signer.DisposeAsync();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var backoff = _minBackoff;
        while (true)
        {
            TimeSpan delay;
            try
            {
                delay = await MaintainAsync(stoppingToken);
                backoff = _minBackoff;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // The present authority issues until it ends: a failed renewal takes nothing away.
                delay = backoff;
                backoff = Clamp(backoff * 2, _minBackoff, _maxBackoff);
                LogRenewalFailed(e, delay);
            }

            await Task.Delay(delay, _time, stoppingToken);
        }
    }

    /// <summary>Does what is due and returns how long nothing will be.</summary>
    private async Task<TimeSpan> MaintainAsync(CancellationToken ct)
    {
        if (_current is not { } current)
        {
            return _minBackoff;
        }

        await PublishAsync(ct);
        if (current.Root == current)
        {
            return _maxDelay;
        }

        if (RotationSchedule.PrepareAt(current.IssuedAt, current.NotAfter) <= _time.GetUtcNow())
        {
            current = await IssueIntermediateAsync(current.Root, ct);
            _current = current;
            LogRenewed(current.Id, current.NotAfter);
        }

        var renewAt = RotationSchedule.PrepareAt(current.IssuedAt, current.NotAfter);
        return Clamp(RotationSchedule.DelayUntil(renewAt, _time.GetUtcNow()), _minBackoff, _maxDelay);
    }

    private async Task<IssuingAuthority> OpenRootAsync(CancellationToken ct)
    {
        var options =
            _options.Signers.FirstOrDefault(signer => signer.Name == _options.Authority.RootSigner)
            ?? throw new MeshCaException(
                ErrorKind.FailedPrecondition,
                $"authority: rootSigner '{_options.Authority.RootSigner}' is none of the signers "
                    + string.Join(", ", _options.Signers.Select(signer => $"'{signer.Name}'"))
            );
        var signer = await SignerFactory.OpenAsync(options, _options.Authority.KeyType, _loggers, ct);
        _signers.Add(signer);

        var stored = await _store.LoadAuthoritiesAsync(ct);
        var active = stored
            .Where(authority => authority is { ParentId: null, State: AuthorityState.Active })
            .ToImmutableArray();
        var found = active.FirstOrDefault(authority =>
            authority.NotAfter > _time.GetUtcNow()
            && CertificateFields
                .Read(authority.Certificate)
                .SubjectPublicKeyInfo.Span.SequenceEqual(signer.SubjectPublicKeyInfo.Span)
        );
        if (found is not null)
        {
            CheckTrustDomain(found);
            return new(signer, found.Certificate, _options.TrustDomain, found.IssuedAt, issuer: null);
        }

        CheckReplaceable(active, options);
        var root = await _certificates.IssueAsync(
            signer,
            _options.TrustDomain,
            _options.Authority.RootTtl,
            issuer: null,
            ct
        );
        await _certificates.ProveAsync(root, ct);
        await _store.PutAuthoritiesAsync(
            [
                .. active.Select(authority => authority with { State = AuthorityState.Retiring }),
                ToRecord(root, options.Kind),
            ],
            ct
        );
        LogRootMade(root.Id, root.NotAfter, options.Name);
        return root;
    }

    /// <summary>A root is replaced at start only where its key cannot be had back or its time is over; else it is a mistake.</summary>
    private void CheckReplaceable(ImmutableArray<AuthorityRecord> active, SignerOptions options)
    {
        foreach (var authority in active)
        {
            CheckTrustDomain(authority);
            if (authority.SignerKind != MemoryKind && authority.NotAfter > _time.GetUtcNow())
            {
                throw new MeshCaException(
                    ErrorKind.FailedPrecondition,
                    $"signer '{options.Name}': its key is not that of the root certificate {authority.Id}, made with signer "
                        + $"'{authority.SignerName}' and valid until {authority.NotAfter:u}; restore that key"
                );
            }
        }
    }

    private static string MemoryKind { get; } = new MemorySignerOptions { Name = "" }.Kind;

    private void CheckTrustDomain(AuthorityRecord authority)
    {
        var names = CertificateFields.Read(authority.Certificate).UriNames;
        if (names is not [var name] || name != _options.TrustDomain.Id.ToString())
        {
            throw new MeshCaException(
                ErrorKind.FailedPrecondition,
                $"the store's root certificate is for {string.Join(", ", names)}, not for trust domain "
                    + $"{_options.TrustDomain}; a trust domain cannot be renamed: set the old one, or begin with an empty dataDir"
            );
        }
    }

    private async Task<IssuingAuthority> IssueIntermediateAsync(IssuingAuthority root, CancellationToken ct)
    {
        var signer = MemorySigner.Create($"issuing of {root.Signer.Name}", _options.Authority.KeyType);
        try
        {
            var authority = await _certificates.IssueAsync(
                signer,
                _options.TrustDomain,
                _options.Authority.IntermediateTtl,
                root,
                ct
            );
            await _certificates.ProveAsync(authority, ct);
            await _store.PutAuthoritiesAsync([ToRecord(authority, MemoryKind)], ct);
            // The one before stays open until the end: batches that began with it may not have signed yet.
            _signers.Add(signer);
            return authority;
        }
        catch
        {
            await signer.DisposeAsync();
            throw;
        }
    }

    /// <summary>Puts every root into our bundle that some leaf still chains to, and drops those that none does.</summary>
    private async Task PublishAsync(CancellationToken ct)
    {
        var stored = await _store.LoadAuthoritiesAsync(ct);
        var now = _time.GetUtcNow();
        var roots = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        var pruned = new List<AuthorityRecord>();
        foreach (var root in stored.Where(a => a is { ParentId: null, State: not AuthorityState.Pruned }))
        {
            if (root.State == AuthorityState.Active || await IsNeededAsync(root, stored, now, ct))
            {
                roots.Add(root.Certificate);
            }
            else
            {
                pruned.Add(root with { State = AuthorityState.Pruned });
            }
        }

        // First the bundle: a root that is gone from it but not yet marked is found again, the other way round it stays for ever.
        var bundle = await _bundles.PublishOwnAsync(
            roots.DrainToImmutable(),
            _bundles.Find(_options.TrustDomain)?.JwtAuthorities ?? [],
            ct
        );
        if (pruned.Count > 0)
        {
            await _store.PutAuthoritiesAsync(pruned, ct);
            LogPruned(pruned.Count, bundle.SequenceNumber);
        }
    }

    private async Task<bool> IsNeededAsync(
        AuthorityRecord root,
        IReadOnlyList<AuthorityRecord> stored,
        DateTimeOffset now,
        CancellationToken ct
    )
    {
        if (root.NotAfter <= now)
        {
            return false;
        }

        string[] ids = [root.Id, .. stored.Where(a => a.ParentId == root.Id).Select(a => a.Id)];
        return await _ledger.FindLastExpiryAsync(ids, ct) > now;
    }

    private void CheckLifetimes()
    {
        var authority = _options.Authority;
        var issuing = authority.IssuingDirect ? authority.RootTtl : authority.IntermediateTtl;
        if (issuing < _options.X509SvidTtl * 3)
        {
            throw new MeshCaException(
                ErrorKind.FailedPrecondition,
                $"svid: x509SvidTtl {GoDuration.Format(_options.X509SvidTtl)} is more than a third of the issuing authority's "
                    + $"{(authority.IssuingDirect ? "rootTtl" : "intermediateTtl")} {GoDuration.Format(issuing)}; "
                    + "lengthen that, or shorten x509SvidTtl"
            );
        }

        if (!authority.IssuingDirect && authority.RootTtl < authority.IntermediateTtl * 3)
        {
            throw new MeshCaException(
                ErrorKind.FailedPrecondition,
                $"authority: intermediateTtl {GoDuration.Format(authority.IntermediateTtl)} is more than a third of rootTtl "
                    + $"{GoDuration.Format(authority.RootTtl)}; lengthen that, or shorten intermediateTtl"
            );
        }
    }

    private static AuthorityRecord ToRecord(IssuingAuthority authority, string signerKind) =>
        new()
        {
            Id = authority.Id,
            ParentId = authority.Root == authority ? null : authority.Root.Id,
            State = AuthorityState.Active,
            Certificate = authority.Certificate,
            SignerName = authority.Signer.Name,
            SignerKind = signerKind,
            IssuedAt = authority.IssuedAt,
            NotAfter = authority.NotAfter,
        };

    private static TimeSpan Clamp(TimeSpan value, TimeSpan min, TimeSpan max) =>
        TimeSpan.FromTicks(Math.Clamp(value.Ticks, min.Ticks, max.Ticks));

    [LoggerMessage(LogLevel.Information, "Authority {AuthorityId} issues, until {NotAfter}")]
    private partial void LogReady(string authorityId, DateTimeOffset notAfter);

    [LoggerMessage(
        LogLevel.Information,
        "Made root certificate {AuthorityId} with signer {Signer}, valid until {NotAfter}"
    )]
    private partial void LogRootMade(string authorityId, DateTimeOffset notAfter, string signer);

    [LoggerMessage(LogLevel.Information, "Renewed the issuing authority: {AuthorityId}, until {NotAfter}")]
    private partial void LogRenewed(string authorityId, DateTimeOffset notAfter);

    [LoggerMessage(
        LogLevel.Information,
        "Dropped {Count} roots that no identity needs; the bundle has sequence {Sequence}"
    )]
    private partial void LogPruned(int count, ulong? sequence);

    [LoggerMessage(
        LogLevel.Error,
        "Could not maintain the issuing authority, which goes on as it is; retrying in {Delay}"
    )]
    private partial void LogRenewalFailed(Exception e, TimeSpan delay);
}
