using MeshCA.Ca.Authorities;

namespace MeshCA.Ca.Store.Sqlite;

/// <summary>CA certificates as rows of the table <c>authorities</c>.</summary>
internal static class AuthorityRows
{
    private const string Columns = "id, parent_id, state, certificate, signer_name, signer_kind, issued_at, not_after";

    public static List<AuthorityRecord> ReadAll(SqliteSession session)
    {
        var authorities = new List<AuthorityRecord>();
        using var row = session.Command($"SELECT {Columns} FROM authorities ORDER BY issued_at, id").ExecuteReader();
        while (row.Read())
        {
            authorities.Add(
                new()
                {
                    Id = row.GetString(0),
                    ParentId = row.IsDBNull(1) ? null : row.GetString(1),
                    State = Enum.Parse<AuthorityState>(row.GetString(2)),
                    Certificate = row.GetFieldValue<byte[]>(3),
                    SignerName = row.GetString(4),
                    SignerKind = row.GetString(5),
                    IssuedAt = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(6)),
                    NotAfter = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(7)),
                }
            );
        }

        return authorities;
    }

    public static void Put(SqliteSession session, AuthorityRecord authority) =>
        session.Execute(
            $"INSERT OR REPLACE INTO authorities ({Columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            authority.Id,
            authority.ParentId,
            authority.State.ToString(),
            authority.Certificate.ToArray(),
            authority.SignerName,
            authority.SignerKind,
            authority.IssuedAt.ToUnixTimeMilliseconds(),
            authority.NotAfter.ToUnixTimeMilliseconds()
        );
}
