using System.Collections.Immutable;
using MeshCA.Spiffe;

namespace MeshCA.Sds;

/// <summary>All that one workload may be given, at one instant. Immutable.</summary>
public sealed class SecretSnapshot
{
    /// <summary>In the order of their entries' ids; the first is the default.</summary>
    public required ImmutableArray<TlsIdentity> Identities { get; init; }

    /// <summary>The own trust domain's bundle.</summary>
    public required TrustBundle Bundle { get; init; }

    /// <summary>Those that an entry of the workload federates with, sorted by trust domain name.</summary>
    public required ImmutableArray<TrustBundle> FederatedBundles { get; init; }

    /// <summary>
    /// Identities that the workload has but whose SVIDs are not there, or no longer valid: their names are held, and
    /// never reported as removed, so that an Envoy keeps what it has while the CA is away.
    /// </summary>
    public ImmutableArray<SpiffeId> Awaited { get; init; } = [];

    /// <summary>True if the default identity is among the awaited: another must not take its name meanwhile.</summary>
    public bool DefaultAwaited { get; init; }
}
