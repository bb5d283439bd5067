using MeshCA.Sds.Resources;

namespace MeshCA.Sds.Secrets;

/// <summary>Every secret of one snapshot, by name, encoded when it is first asked for.</summary>
/// <remarks>
/// Keeps what the catalog before it had encoded, as far as it has not changed, so that one change among thousands of
/// identities costs one. Not safe for concurrent use: its hub's lock guards it.
/// </remarks>
internal sealed class SecretCatalog
{
    private readonly SdsOptions _options;
    private readonly string _ownName;
    private readonly string _peerPrefix;
    private readonly BundleSecret? _own;
    private readonly Dictionary<string, BundleSecret?> _federated = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IdentitySecret> _identities;
    private readonly IdentitySecret? _default;
    private readonly HashSet<string> _awaited;
    private Resource? _all;

    public SecretCatalog(
        SecretSnapshot snapshot,
        SecretCatalog? before,
        SdsOptions options,
        InvalidSecretReporter reporter
    )
    {
        Snapshot = snapshot;
        _options = options;
        _ownName = snapshot.Bundle.TrustDomain.Id.ToString();
        _peerPrefix = _ownName + "/";
        _own = BundleSecret.Of(snapshot.Bundle, before?._own, reporter);
        foreach (var bundle in snapshot.FederatedBundles)
        {
            var name = bundle.TrustDomain.Id.ToString();
            _federated[name] = BundleSecret.Of(bundle, before?._federated.GetValueOrDefault(name), reporter);
        }

        _identities = new(snapshot.Identities.Length, StringComparer.Ordinal);
        _awaited = [.. snapshot.Awaited.Select(id => id.ToString())];
        foreach (var identity in snapshot.Identities)
        {
            var name = identity.SpiffeId.ToString();
            var old = before?._identities.GetValueOrDefault(name);
            var secret = ReferenceEquals(old?.Identity, identity) ? old! : new(identity, old, reporter);
            _identities.TryAdd(name, secret);
            _default ??= secret;
        }
    }

    public SecretSnapshot Snapshot { get; }

    /// <summary>What a view is to hold: the known ones of the names asked for.</summary>
    public Selection Select(ViewKey key)
    {
        var names = key.Everything ? ProperNames().Union(key.Names, StringComparer.Ordinal) : key.Names;
        var resources = new List<Resource>();
        var held = new List<string>();
        foreach (var name in names)
        {
            if (Find(name, key.PlainRoots, out var isExpected) is { } resource)
            {
                resources.Add(resource);
            }
            else if (isExpected)
            {
                held.Add(name);
            }
        }

        return new([.. resources], [.. held]);
    }

    /// <summary>Own bundle, federated bundles, identities; no aliases.</summary>
    private IEnumerable<string> ProperNames() =>
        Snapshot
            .FederatedBundles.Select(b => b.TrustDomain.Id)
            .Prepend(Snapshot.Bundle.TrustDomain.Id)
            .Concat(Snapshot.Identities.Select(i => i.SpiffeId))
            .Concat(Snapshot.Awaited)
            .Select(id => id.ToString());

    /// <summary>The secret of that name, if it can be sent.</summary>
    /// <param name="name">As asked for.</param>
    /// <param name="plainRoots">The form of a validation context.</param>
    /// <param name="isExpected">True if the name is to have content, though there may be none that can be sent.</param>
    private Resource? Find(string name, bool plainRoots, out bool isExpected)
    {
        isExpected = true;
        if (name == _ownName || name == _options.BundleName)
        {
            return _own?.Find(name, plainRoots);
        }

        if (name == SdsOptions.InboundBundleName)
        {
            return _own?.Find(name, plainRoots, _peerPrefix);
        }

        if (name == _options.AllBundlesName)
        {
            return All(name, plainRoots);
        }

        if (_identities.TryGetValue(name, out var identity))
        {
            return identity.Find(name);
        }

        if (name == _options.SvidName && (Snapshot.DefaultAwaited || _default is not null))
        {
            return Snapshot.DefaultAwaited ? null : _default!.Find(name);
        }

        if (_federated.TryGetValue(name, out var bundle))
        {
            return bundle?.Find(name, plainRoots);
        }

        isExpected = _awaited.Contains(name);
        return null;
    }

    private Resource? All(string name, bool plainRoots)
    {
        if (plainRoots)
        {
            // One list of roots for all trust domains would let each of them vouch for every other.
            return null;
        }

        var bundles = _federated.Values.Append(_own).OfType<BundleSecret>().Select(b => b.Bundle).ToList();
        bundles.Sort((a, b) => a.TrustDomain.CompareTo(b.TrustDomain));
        return bundles.Count == 0 ? null : _all ??= SecretEncoder.SpiffeValidator(name, bundles);
    }
}
