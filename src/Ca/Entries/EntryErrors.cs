using MeshCA.Spiffe;

namespace MeshCA.Ca.Entries;

/// <summary>What a dry run and every store say in the same words.</summary>
internal static class EntryErrors
{
    public static MeshCaException NotFound(string id) => new(ErrorKind.NotFound, $"there is no entry {id}");

    public static MeshCaException AlreadyExists(string other) =>
        new(
            ErrorKind.AlreadyExists,
            $"entry {other} has the same SPIFFE ID, parent and selectors; update that one, or change one of the three"
        );

    public static MeshCaException Stale(string id, long revision, long expected) =>
        new(ErrorKind.Stale, $"entry {id} has changed: it is at revision {revision}, not {expected}; read it again");
}
