namespace MeshCA.Ca.Store.Sqlite;

/// <summary>The revision and the rows of the table <c>changes</c>.</summary>
internal static class ChangeRows
{
    /// <summary>How many changes an agent may have missed and still go on from where it was.</summary>
    public const int Kept = 10_000;

    /// <summary>Pruning this seldom costs nothing that one could measure.</summary>
    private const int PruneEvery = 256;

    public static long Revision(SqliteSession session) =>
        (long)session.Command("SELECT revision FROM store").ExecuteScalar()!;

    /// <summary>The revision of a change, taken inside the writer's transaction: so they are numbered in commit order.</summary>
    public static long Add(SqliteSession session, ChangeKey change)
    {
        var revision = (long)
            session.Command("UPDATE store SET revision = revision + 1 RETURNING revision").ExecuteScalar()!;
        session.Execute(
            "INSERT INTO changes (revision, kind, key) VALUES ($1, $2, $3)",
            revision,
            (long)change.Kind,
            change.Key
        );
        if (revision % PruneEvery == 0)
        {
            session.Execute("DELETE FROM changes WHERE revision <= $1", revision - Kept);
        }

        return revision;
    }

    /// <summary>Each thing that changed once; null if some of the changes are not known any more, or not known yet.</summary>
    public static HashSet<ChangeKey>? ReadAfter(SqliteSession session, long revision)
    {
        var newest = Revision(session);
        if (revision < 0 || revision > newest)
        {
            return null;
        }

        var changes = new HashSet<ChangeKey>();
        var rows = 0;
        using var reader = session
            .Command("SELECT kind, key FROM changes WHERE revision > $1 AND revision <= $2", revision, newest)
            .ExecuteReader();
        while (reader.Read())
        {
            changes.Add(new((ChangeKind)reader.GetInt32(0), reader.GetString(1)));
            rows++;
        }

        // Revisions have no gaps, so a row that is missing was pruned.
        return rows == newest - revision ? changes : null;
    }
}
