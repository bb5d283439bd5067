using System.Diagnostics.CodeAnalysis;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Views;

/// <summary>The own trust domain's bundle and the federated ones. Not thread-safe.</summary>
internal sealed class ServedBundles(TrustDomain own)
{
    private readonly Dictionary<TrustDomain, ServedBundle> _bundles = [];

    public bool TryGetOwn([NotNullWhen(true)] out ServedBundle? bundle) => _bundles.TryGetValue(own, out bundle);

    public ServedBundle? Find(TrustDomain trustDomain) => _bundles.GetValueOrDefault(trustDomain);

    /// <summary>False if it is the same as before.</summary>
    public bool Set(TrustBundle bundle)
    {
        if (_bundles.TryGetValue(bundle.TrustDomain, out var old) && old.Bundle.Equals(bundle))
        {
            return false;
        }

        _bundles[bundle.TrustDomain] = new(bundle);
        return true;
    }

    /// <summary>False if there was none. The own one stays.</summary>
    public bool Remove(TrustDomain trustDomain) => trustDomain != own && _bundles.Remove(trustDomain);

    /// <summary>The trust domains that a complete new set does not have.</summary>
    public List<TrustDomain> MissingFrom(IReadOnlyCollection<TrustBundle> bundles) =>
        [.. _bundles.Keys.Except(bundles.Select(static b => b.TrustDomain))];

    /// <summary>True if each view has it, not only those with an entry that federates.</summary>
    public bool IsOwn(TrustDomain trustDomain) => trustDomain == own;
}
