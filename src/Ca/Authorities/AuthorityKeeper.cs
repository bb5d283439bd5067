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
    private volatile IssuingAuthority? _current;

    /// <summary>Why the last attempt to maintain the authority failed; null = it did not.</summary>
    private volatile string? _failure;

    private ISigner? _rootSigner;

    /// <summary>The intermediates' keys, oldest first: the present one and the one before.</summary>
    private readonly List<ISigner> _issuingSigners = [];
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
        if (_current is not { } current)
        {
            return new(CanIssue: false, "there is no issuing authority", IssuesUntil: null);
        }

        if (current.NotAfter <= now)
        {
            return new(CanIssue: false, $"the issuing authority has ended at {current.NotAfter:u}", current.NotAfter);
        }

        // An intermediate is renewed at half of its life: in its last third that has failed for long.
        var end = current.NotAfter;
        var overdue = RenewalTime(current) is not null && now > end - ((end - current.IssuedAt) / 3);
        if (overdue || _failure is not null)
        {
            var why = _failure ?? "see the server's log";
            return new(!overdue, $"the issuing authority ends at {end:u} and could not be renewed: {why}", end);
        }

        var root = current.Root;
        return now >= RotationSchedule.PrepareAt(root.IssuedAt, root.NotAfter)
            ? new(CanIssue: true, $"the root {root.Id} ends at {root.NotAfter:u}; replace it before", end)
            : new(CanIssue: true, Problem: null, end);
    }

    /// <summary>Every CA certificate there ever was, in the order of issue: at most <paramref name="count"/> after an id.</summary>
    public async Task<Page<AuthorityRecord>> ListAsync(string? after, int count, CancellationToken ct)
    {
        var all = await _store.LoadAuthoritiesAsync(ct);
        var found = all.SkipWhile(authority => after is not null && authority.Id != after)
            .Skip(after is null ? 0 : 1)
            .Take(count + 1)
            .ToImmutableArray();
        return found.Length > count ? new(found[..count], found[count - 1].Id) : new(found, Next: null);
    }

    /// <summary>NotFound if there is none.</summary>
    public async Task<AuthorityRecord> GetAsync(string id, CancellationToken ct) =>
        (await _store.LoadAuthoritiesAsync(ct)).FirstOrDefault(authority => authority.Id == id)
        ?? throw new MeshCaException(ErrorKind.NotFound, $"there is no authority {id}");

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
        foreach (var signer in _issuingSigners)
        {
            await signer.DisposeAsync();
        }

        if (_rootSigner is not null)
        {
            await _rootSigner.DisposeAsync();
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
                _failure = null;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // The present authority issues until it ends: a failed renewal takes nothing away.
                delay = backoff;
                backoff = Clamp(backoff * 2, _minBackoff, LongestBackoff());
                _failure = e is MeshCaException ? e.Message : "an unexpected failure; see the server's log";
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

        if (RenewalTime(current) <= _time.GetUtcNow())
        {
            current = await IssueIntermediateAsync(current.Root, ct);
            _current = current;
            LogRenewed(current.Id, current.NotAfter);
        }

        return RenewalTime(current) is { } renewAt
            ? Clamp(RotationSchedule.DelayUntil(renewAt, _time.GetUtcNow()), _minBackoff, _maxDelay)
            : _maxDelay;
    }

    /// <summary>Null for a root, and for an intermediate that ends with its root: no other would outlive it.</summary>
    private static DateTimeOffset? RenewalTime(IssuingAuthority authority) =>
        authority.NotAfter < authority.Root.NotAfter
            ? RotationSchedule.PrepareAt(authority.IssuedAt, authority.NotAfter)
            : null;

    /// <summary>An intermediate of some minutes must not spend the rest of its life waiting.</summary>
    private TimeSpan LongestBackoff() =>
        _current is { } current
            ? Clamp((current.NotAfter - current.IssuedAt) / 24, _minBackoff, _maxBackoff)
            : _maxBackoff;

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
        _rootSigner = signer;

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
        if (!active.IsEmpty)
        {
            LogRootReplaced(active[^1].Id, root.Id);
        }

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
            var former = (await _store.LoadAuthoritiesAsync(ct)).Where(a =>
                a is { ParentId: not null, State: AuthorityState.Active }
            );
            await _store.PutAuthoritiesAsync(
                [.. former.Select(a => a with { State = AuthorityState.Retiring }), ToRecord(authority, MemoryKind)],
                ct
            );

            // The one before stays open: batches that began with it may not have signed yet.
            _issuingSigners.Add(signer);
            while (_issuingSigners.Count > 2)
            {
                await _issuingSigners[0].DisposeAsync();
                _issuingSigners.RemoveAt(0);
            }

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
        var pruned = stored
            .Where(a => a is { ParentId: not null, State: AuthorityState.Retiring } && a.NotAfter <= now)
            .Select(a => a with { State = AuthorityState.Pruned })
            .ToList();
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

        if (!authority.IssuingDirect && authority.RootTtl < authority.IntermediateTtl)
        {
            throw new MeshCaException(
                ErrorKind.FailedPrecondition,
                $"authority: intermediateTtl {GoDuration.Format(authority.IntermediateTtl)} is longer than rootTtl "
                    + $"{GoDuration.Format(authority.RootTtl)}, under which it is issued; make it shorter"
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

    [LoggerMessage(
        LogLevel.Warning,
        "Root {FormerId} has ended or its key is gone; who trusts it alone must be given the new root {AuthorityId}"
    )]
    private partial void LogRootReplaced(string formerId, string authorityId);

    [LoggerMessage(LogLevel.Information, "Renewed the issuing authority: {AuthorityId}, until {NotAfter}")]
    private partial void LogRenewed(string authorityId, DateTimeOffset notAfter);

    [LoggerMessage(
        LogLevel.Information,
        "Dropped {Count} authorities that no identity needs; the bundle has sequence {Sequence}"
    )]
    private partial void LogPruned(int count, ulong? sequence);

    [LoggerMessage(
        LogLevel.Error,
        "Could not maintain the issuing authority, which goes on as it is; retrying in {Delay}"
    )]
    private partial void LogRenewalFailed(Exception e, TimeSpan delay);
}
