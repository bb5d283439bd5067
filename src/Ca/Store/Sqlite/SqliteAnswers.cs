using System.Globalization;

namespace MeshCA.Ca.Store.Sqlite;

/// <summary>Keeps answers to requests with an idempotency key, within bounds of age and number.</summary>
public sealed class SqliteAnswers(SqliteDatabase database)
{
    /// <summary>The oldest go first. An answer takes about 1 KiB.</summary>
    public const int MaxCount = 100_000;

    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);

    /// <summary>Counting the rows costs a millisecond when there are many, so it is not done each time.</summary>
    private const int KeepsPerTrim = 256;

    private int _keeps;

    /// <summary>Null where the request has not come yet, or longer ago than <see cref="Lifetime"/>.</summary>
    public Task<KeptAnswer?> FindAsync(ReadOnlyMemory<byte> requestHash, DateTimeOffset now, CancellationToken ct) =>
        database.ReadAsync(
            session =>
            {
                using var reader = session
                    .Command(
                        "SELECT body_hash, answer FROM idempotent_answers WHERE request_hash = $1 AND created_at > $2",
                        requestHash.ToArray(),
                        Oldest(now)
                    )
                    .ExecuteReader();
                return reader.Read()
                    ? new KeptAnswer(reader.GetFieldValue<byte[]>(0), reader.GetFieldValue<byte[]>(1))
                    : null;
            },
            ct
        );

    public Task KeepAsync(
        ReadOnlyMemory<byte> requestHash,
        KeptAnswer answer,
        DateTimeOffset now,
        CancellationToken ct
    ) =>
        database.WriteAsync(
            session =>
            {
                session.Execute("DELETE FROM idempotent_answers WHERE created_at <= $1", Oldest(now));
                session.Execute(
                    "INSERT OR REPLACE INTO idempotent_answers (request_hash, body_hash, answer, created_at) "
                        + "VALUES ($1, $2, $3, $4)",
                    requestHash.ToArray(),
                    answer.BodyHash,
                    answer.Answer,
                    now.ToUnixTimeMilliseconds()
                );
                if (_keeps++ % KeepsPerTrim == 0)
                {
                    Trim(session, MaxCount);
                }

                return true;
            },
            Durability.Power,
            ct
        );

    internal static void Trim(SqliteSession session, int maxCount)
    {
        var count = Convert.ToInt64(
            session.Command("SELECT count(*) FROM idempotent_answers").ExecuteScalar(),
            CultureInfo.InvariantCulture
        );
        if (count > maxCount)
        {
            session.Execute(
                "DELETE FROM idempotent_answers WHERE request_hash IN "
                    + "(SELECT request_hash FROM idempotent_answers ORDER BY created_at LIMIT $1)",
                count - maxCount
            );
        }
    }

    private static long Oldest(DateTimeOffset now) => (now - Lifetime).ToUnixTimeMilliseconds();
}
