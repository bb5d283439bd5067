using System.Collections.Immutable;
using MeshCA.Ca.Store;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Bundles;

/// <summary>The trust bundles: our own and federated ones. Served from memory, changed through the store. Safe for concurrent use.</summary>
public sealed class BundleRegistry : IDisposable
{
    /// <summary>Bounds what one bundle costs every agent and Envoy that gets it.</summary>
    private const int MaxAuthorities = 100;

    private const int MaxBytes = 256 * 1024;

    private readonly IDataStore _store;
    private readonly TrustDomain _ownTrustDomain;
    private readonly SemaphoreSlim _publishing = new(1);
    private volatile Action<BundleChange>? _observers;
    private volatile ImmutableSortedDictionary<TrustDomain, TrustBundle> _bundles = ImmutableSortedDictionary<
        TrustDomain,
        TrustBundle
    >.Empty;

    public BundleRegistry(IDataStore store, ServerOptions options)
    {
        _store = store;
        _ownTrustDomain = options.TrustDomain;
        store.Subscribe(Apply);
    }

    /// <summary>Unavailable until the authority has published the first one.</summary>
    public TrustBundle Own =>
        Find(_ownTrustDomain)
        ?? throw new MeshCaException(ErrorKind.Unavailable, "the trust bundle is not made yet; try again in a moment");

    public TrustBundle? Find(TrustDomain trustDomain) => _bundles.GetValueOrDefault(trustDomain);

    /// <summary>NotFound if there is none.</summary>
    public TrustBundle Get(TrustDomain trustDomain) => Find(trustDomain) ?? throw NotFound(trustDomain);

    /// <summary>Our own and federated ones, by trust domain: at most <paramref name="count"/> after <paramref name="after"/>.</summary>
    public Page<TrustBundle> List(string? after, int count)
    {
        var found = _bundles
            .SkipWhile(pair => string.CompareOrdinal(pair.Key.Name, after) <= 0)
            .Select(pair => pair.Value)
            .Take(count + 1)
            .ToImmutableArray();
        return found.Length > count ? new(found[..count], found[count - 1].TrustDomain.Name) : new(found, Next: null);
    }

    /// <summary>
    /// For the authority: what is trusted of our own domain from now on. A change of content is stored with the next
    /// sequence number and pushed; no change does nothing.
    /// </summary>
    /// <returns>The bundle as published.</returns>
    public async Task<TrustBundle> PublishOwnAsync(
        ImmutableArray<ReadOnlyMemory<byte>> x509Authorities,
        ImmutableArray<JwtAuthority> jwtAuthorities,
        CancellationToken ct
    )
    {
        await _publishing.WaitAsync(ct);
        try
        {
            var present = Find(_ownTrustDomain);
            var next = new TrustBundle(
                _ownTrustDomain,
                x509Authorities,
                jwtAuthorities,
                present?.SequenceNumber,
                present?.RefreshHint
            );
            if (next.Equals(present))
            {
                return present;
            }

            next = new TrustBundle(
                _ownTrustDomain,
                x509Authorities,
                jwtAuthorities,
                (present?.SequenceNumber ?? 0) + 1,
                present?.RefreshHint
            );
            await _store.PutBundleAsync(next, ct);
            return next;
        }
        finally
        {
            _publishing.Release();
        }
    }

    /// <summary>Stores a federated bundle in place of the one before; Malformed if it is our own or trusts nobody.</summary>
    public async Task SetFederatedAsync(TrustBundle bundle, bool dryRun, CancellationToken ct)
    {
        RequireFederated(bundle.TrustDomain);
        if (bundle.X509Authorities.IsEmpty && bundle.JwtAuthorities.IsEmpty)
        {
            // Envoy drops or refuses a validation context without roots, and keeps what it had.
            throw new MeshCaException(
                ErrorKind.Malformed,
                $"the bundle of {bundle.TrustDomain} holds no authority; delete it to trust nobody of that domain"
            );
        }

        var authorities = bundle.X509Authorities.Length + bundle.JwtAuthorities.Length;
        var bytes =
            bundle.X509Authorities.Sum(der => der.Length)
            + bundle.JwtAuthorities.Sum(key => key.KeyId.Length + key.SubjectPublicKeyInfo.Length);
        if (authorities > MaxAuthorities || bytes > MaxBytes)
        {
            throw new MeshCaException(
                ErrorKind.Malformed,
                $"the bundle of {bundle.TrustDomain} has {authorities} authorities of {bytes} bytes; "
                    + $"at most {MaxAuthorities} of {MaxBytes} bytes together are allowed"
            );
        }

        if (!dryRun && !bundle.Equals(Find(bundle.TrustDomain)))
        {
            await _store.PutBundleAsync(bundle, ct);
        }
    }

    /// <summary>NotFound if there is none.</summary>
    public async Task DeleteFederatedAsync(TrustDomain trustDomain, bool dryRun, CancellationToken ct)
    {
        RequireFederated(trustDomain);
        if (dryRun)
        {
            Get(trustDomain);
            return;
        }

        await _store.DeleteBundleAsync(trustDomain, ct);
    }

    /// <summary>As <see cref="Entries.EntryRegistry.Subscribe"/>.</summary>
    internal void Subscribe(Action<BundleChange> observer) => _observers += observer;

    public void Dispose() => _publishing.Dispose();

    /// <summary>Before anything is served: what the store holds.</summary>
    internal void Load(StoredState state) =>
        _bundles = state.Bundles.ToImmutableSortedDictionary(bundle => bundle.TrustDomain, bundle => bundle);

    /// <summary>Called by the store for one change after the other, so no other thread swaps the bundles.</summary>
    private void Apply(StoreChange change)
    {
        if (change.Key.Kind == ChangeKind.Bundle)
        {
            _bundles = change.Bundle is { } bundle
                ? _bundles.SetItem(bundle.TrustDomain, bundle)
                : _bundles.Remove(TrustDomain.Parse(change.Key.Key));
            _observers?.Invoke(new(change.Revision, TrustDomain.Parse(change.Key.Key)));
        }
    }

    private void RequireFederated(TrustDomain trustDomain)
    {
        if (trustDomain == _ownTrustDomain)
        {
            throw new MeshCaException(
                ErrorKind.Malformed,
                $"{trustDomain} is our own trust domain, whose bundle only the authority changes"
            );
        }
    }

    private static MeshCaException NotFound(TrustDomain trustDomain) =>
        new(ErrorKind.NotFound, $"there is no bundle of trust domain {trustDomain}");
}
