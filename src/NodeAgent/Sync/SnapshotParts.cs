using MeshCA.Protos.V1;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Sync;

/// <summary>A snapshot as its parts come: nothing of it counts before the last.</summary>
internal sealed class SnapshotParts
{
    /// <summary>More than any agent can serve: memory is not the server's to fill.</summary>
    private const int MaxEntries = 1_000_000;

    public List<Entry> Entries { get; } = [];

    public List<Bundle> Bundles { get; } = [];

    /// <summary>True if this was the last part.</summary>
    public bool Add(Snapshot part)
    {
        if (Entries.Count + part.Entries.Count > MaxEntries)
        {
            throw new MeshCaException(ErrorKind.ResourceExhausted, $"the snapshot has more than {MaxEntries} entries");
        }

        Entries.AddRange(part.Entries);
        Bundles.AddRange(part.Bundles);
        return part.Last;
    }

    public void Clear()
    {
        Entries.Clear();
        Bundles.Clear();
    }
}
