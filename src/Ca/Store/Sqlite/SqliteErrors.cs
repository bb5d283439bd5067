using MeshCA.Spiffe;
using Microsoft.Data.Sqlite;

namespace MeshCA.Ca.Store.Sqlite;

/// <summary>Turns what SQLite throws into what callers are told.</summary>
internal static class SqliteErrors
{
    /// <summary>The result codes of https://sqlite.org/rescode.html that an operator can do something about.</summary>
    public static MeshCaException Unavailable(string path, SqliteException e) =>
        new(
            ErrorKind.Unavailable,
            e.SqliteErrorCode switch
            {
                8 => $"store {path} is read-only; give the server write access to the file and its directory",
                10 => $"store {path}: the disk failed ({e.Message}); check it",
                11 or 26 => $"store {path} is damaged ({e.Message}); restore it from a backup",
                13 => $"store {path}: the disk is full; free some space",
                _ => $"store {path} could not do it: {e.Message}",
            },
            e
        );
}
