using MeshCA.Sds.Resources;

namespace MeshCA.Sds.Secrets;

/// <summary>An identity with its encoded secrets, checked when it is first asked for.</summary>
/// <remarks>Not safe for concurrent use: its hub's lock guards it.</remarks>
internal sealed class IdentitySecret
{
    private readonly Dictionary<string, Resource> _byName = new(StringComparer.Ordinal);
    private readonly InvalidSecretReporter _reporter;
    private IdentitySecret? _lastGood;
    private bool? _isGood;

    /// <summary>Not checked yet.</summary>
    /// <param name="identity">What to serve.</param>
    /// <param name="before">What was served for the same SPIFFE ID: it is served on if this one is invalid.</param>
    /// <param name="reporter">Is told of an invalid one.</param>
    public IdentitySecret(TlsIdentity identity, IdentitySecret? before, InvalidSecretReporter reporter)
    {
        Identity = identity;
        _reporter = reporter;

        // One that nobody asked for was served to nobody; keeping it would chain all of them.
        _lastGood = before?._isGood == true ? before : before?._lastGood;
    }

    public TlsIdentity Identity { get; }

    public Resource? Find(string name)
    {
        if (!IsGood())
        {
            return _lastGood?.Find(name);
        }

        if (!_byName.TryGetValue(name, out var resource))
        {
            _byName[name] = resource = SecretEncoder.Identity(name, Identity);
        }

        return resource;
    }

    private bool IsGood()
    {
        if (_isGood is { } known)
        {
            return known;
        }

        if (SecretCheck.Identity(Identity) is { } error)
        {
            _reporter.Report(Identity.SpiffeId.ToString(), error);
            _isGood = false;
            return false;
        }

        _isGood = true;
        _lastGood = null;
        return true;
    }
}
