using MeshCA.Sds.Streams;

namespace MeshCA.Sds.Resources;

/// <summary>What streams of one feed that asked for the same are to be sent. Changed only under its hub's lock.</summary>
internal sealed class View(ViewKey key)
{
    private volatile ResourceSet? _current;

    public ViewKey Key { get; } = key;

    /// <summary>The streams that look at this, in no order; each knows its own index.</summary>
    public List<DiscoveryStream> Streams { get; } = [];

    /// <summary>Null until the feed is in sync.</summary>
    public ResourceSet? Current => _current;

    /// <summary>True if there is something new to tell.</summary>
    public bool Replace(string typeUrl, Selection selection)
    {
        if (
            _current is { } current
            && current.SameAs(selection.Resources)
            && current.Held.AsSpan().SequenceEqual(selection.Held)
        )
        {
            return false;
        }

        _current = ResourceSet.OfView(typeUrl, selection);
        return true;
    }

    public void Add(DiscoveryStream stream)
    {
        stream.IndexInView = Streams.Count;
        Streams.Add(stream);
    }

    public void Remove(DiscoveryStream stream)
    {
        var last = Streams[^1];
        Streams[stream.IndexInView] = last;
        last.IndexInView = stream.IndexInView;
        Streams.RemoveAt(Streams.Count - 1);
    }
}
