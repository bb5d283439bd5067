using System.Security.Cryptography;
using System.Text;

namespace MeshCA.Sds.Resources;

/// <summary>
/// What a view holds at one instant, and the responses that tell it: each is encoded once and shared by all streams.
/// </summary>
internal sealed class ResourceSet
{
    // Enough for the starting points that streams have at one time; a rarer one is encoded again.
    private const int KeptDeltas = 8;

    // A search through these is faster than a dictionary, and most sets are of one or two.
    private const int FewResources = 16;

    private readonly Lock _gate = new();
    private readonly string _typeUrl;
    private readonly List<(string From, Response? Response)> _deltas = [];
    private volatile Response? _full;
    private volatile Dictionary<string, Resource>? _byName;

    private readonly bool _isShared;

    private ResourceSet(string typeUrl, Resource[] resources, string[] held, bool isShared)
    {
        Held = held;
        _typeUrl = typeUrl;
        _isShared = isShared;
        Resources = resources;
        Version = isShared ? VersionOf(resources) : "";
    }

    public static ResourceSet Empty { get; } = new("", [], [], isShared: true);

    /// <summary>No name twice.</summary>
    public Resource[] Resources { get; }

    /// <summary>A hash of the content of all resources; empty for what one stream holds.</summary>
    public string Version { get; }

    /// <summary>Names that are to have content but have none now: a client keeps what it has of them.</summary>
    public string[] Held { get; }

    public bool IsEmpty => Resources.Length == 0;

    /// <summary>What a view holds.</summary>
    public static ResourceSet OfView(string typeUrl, Selection selection) =>
        new(typeUrl, selection.Resources, selection.Held, isShared: true);

    /// <summary>What one stream holds, as its client told or as its answers left it.</summary>
    public static ResourceSet OfStream(Resource[] resources) => new("", resources, [], isShared: false);

    public bool Holds(Resource resource) => Find(resource.Name) is { } held && held.SameAs(resource);

    public Resource? Find(string name)
    {
        if (Resources.Length > FewResources)
        {
            _byName ??= Resources.ToDictionary(r => r.Name, StringComparer.Ordinal);
            return _byName.GetValueOrDefault(name);
        }

        foreach (var resource in Resources)
        {
            if (resource.Name == name)
            {
                return resource;
            }
        }

        return null;
    }

    public bool SameAs(Resource[] others)
    {
        if (Resources.Length != others.Length)
        {
            return false;
        }

        for (var i = 0; i < others.Length; i++)
        {
            if (!Resources[i].SameAs(others[i]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The state-of-the-world response.</summary>
    public Response Full()
    {
        if (_full is { } full)
        {
            return full;
        }

        lock (_gate)
        {
            return _full ??= ResponseEncoder.Full(_typeUrl, Version, Resources);
        }
    }

    /// <summary>What a delta stream that was sent <paramref name="from"/> must be told; null if nothing.</summary>
    public Response? DeltaFrom(ResourceSet from)
    {
        if (!from._isShared)
        {
            return Difference(from);
        }

        lock (_gate)
        {
            foreach (var (known, response) in _deltas)
            {
                if (known == from.Version)
                {
                    return response;
                }
            }

            var delta = Difference(from);
            if (_deltas.Count == KeptDeltas)
            {
                _deltas.RemoveAt(0);
            }

            _deltas.Add((from.Version, delta));
            return delta;
        }
    }

    /// <summary>This set with <paramref name="others"/> in place of its own of the same names.</summary>
    public ResourceSet With(IReadOnlyCollection<Resource> others)
    {
        var names = others.Select(o => o.Name).ToHashSet(StringComparer.Ordinal);
        return OfStream([.. Resources.Where(r => !names.Contains(r.Name)), .. others]);
    }

    public ResourceSet Where(Predicate<Resource> keep) =>
        Array.TrueForAll(Resources, keep) ? this : OfStream(Array.FindAll(Resources, keep));

    public ResourceSet Without(string[] names) =>
        names.Length == 0 ? this : Where(r => !names.Contains(r.Name, StringComparer.Ordinal));

    public Resource[] Only(string[] names) =>
        Array.FindAll(Resources, r => names.Contains(r.Name, StringComparer.Ordinal));

    private Response? Difference(ResourceSet from)
    {
        var before = from.Resources.ToDictionary(r => r.Name, StringComparer.Ordinal);
        var changed = new List<Resource>();
        foreach (var resource in Resources)
        {
            if (!before.Remove(resource.Name, out var old) || !old.SameAs(resource))
            {
                changed.Add(resource);
            }
        }

        foreach (var name in Held)
        {
            before.Remove(name);
        }

        return changed.Count == 0 && before.Count == 0
            ? null
            : ResponseEncoder.Delta(_typeUrl, Version, [.. changed], before.Keys);
    }

    private static string VersionOf(Resource[] resources)
    {
        if (resources.Length == 1)
        {
            return resources[0].Version;
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var resource in resources)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(resource.Name));
            hash.AppendData("\0"u8);
            hash.AppendData(Encoding.UTF8.GetBytes(resource.Version));
            hash.AppendData("\0"u8);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
    }
}
