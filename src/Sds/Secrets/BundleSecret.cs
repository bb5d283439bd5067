using MeshCA.Sds.Resources;
using MeshCA.Spiffe;

namespace MeshCA.Sds.Secrets;

/// <summary>A trust bundle with its encoded validation contexts.</summary>
/// <remarks>Not safe for concurrent use: its hub's lock guards it.</remarks>
internal sealed class BundleSecret
{
    private readonly Dictionary<(string Name, bool PlainRoots), Resource> _byName = [];

    private BundleSecret(TrustBundle bundle) => Bundle = bundle;

    public TrustBundle Bundle { get; }

    /// <summary>The bundle, or the one before it if it is invalid; null if there is no good one.</summary>
    public static BundleSecret? Of(TrustBundle bundle, BundleSecret? before, InvalidSecretReporter reporter)
    {
        if (before is not null && ReferenceEquals(before.Bundle, bundle))
        {
            return before;
        }

        if (SecretCheck.Bundle(bundle) is { } error)
        {
            reporter.Report(bundle.TrustDomain.Id.ToString(), error);
            return before;
        }

        return new(bundle);
    }

    /// <summary>The validation context of that name and form.</summary>
    /// <param name="name">What the secret is called.</param>
    /// <param name="plainRoots">The form.</param>
    /// <param name="peerPrefix">If set, only peers whose SPIFFE ID starts so. The same for a name each time.</param>
    public Resource Find(string name, bool plainRoots, string? peerPrefix = null)
    {
        if (!_byName.TryGetValue((name, plainRoots), out var resource))
        {
            resource = plainRoots
                ? SecretEncoder.PlainRoots(name, Bundle, peerPrefix)
                : SecretEncoder.SpiffeValidator(name, [Bundle], peerPrefix);
            _byName[(name, plainRoots)] = resource;
        }

        return resource;
    }
}
