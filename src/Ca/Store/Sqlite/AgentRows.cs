using MeshCA.Ca.Agents;
using MeshCA.Spiffe;
using Microsoft.Data.Sqlite;

namespace MeshCA.Ca.Store.Sqlite;

/// <summary>Agents as rows of the table of that name.</summary>
internal static class AgentRows
{
    private const string Columns =
        "id, spiffe_id, kind, version, attested_at, last_seen, serial_number, svid_not_after, banned";

    public static List<AgentRecord> ReadAll(SqliteSession session)
    {
        var agents = new List<AgentRecord>();
        using var reader = session.Command($"SELECT {Columns} FROM agents").ExecuteReader();
        while (reader.Read())
        {
            agents.Add(Read(reader));
        }

        return agents;
    }

    public static AgentRecord? Find(SqliteSession session, string id)
    {
        using var reader = session.Command($"SELECT {Columns} FROM agents WHERE id = $1", id).ExecuteReader();
        return reader.Read() ? Read(reader) : null;
    }

    public static void Insert(SqliteSession session, AgentRecord agent) =>
        session.Execute(
            $"INSERT INTO agents ({Columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            agent.Id,
            agent.SpiffeId.ToString(),
            agent.Kind,
            agent.Version,
            agent.AttestedAt.ToUnixTimeMilliseconds(),
            agent.LastSeen.ToUnixTimeMilliseconds(),
            agent.SerialNumber,
            agent.SvidNotAfter.ToUnixTimeMilliseconds(),
            agent.Banned ? 1L : 0L
        );

    /// <summary>What an agent's own calls change; never whether it is banned.</summary>
    public static void Update(SqliteSession session, AgentRecord agent) =>
        session.Execute(
            "UPDATE agents SET version = $2, last_seen = $3, serial_number = $4, svid_not_after = $5 WHERE id = $1",
            agent.Id,
            agent.Version,
            agent.LastSeen.ToUnixTimeMilliseconds(),
            agent.SerialNumber,
            agent.SvidNotAfter.ToUnixTimeMilliseconds()
        );

    public static bool SetBanned(SqliteSession session, string id, bool banned) =>
        session.Execute("UPDATE agents SET banned = $2 WHERE id = $1", id, banned ? 1L : 0L) > 0;

    public static bool Delete(SqliteSession session, string id) =>
        session.Execute("DELETE FROM agents WHERE id = $1", id) > 0;

    private static AgentRecord Read(SqliteDataReader row) =>
        new()
        {
            Id = row.GetString(0),
            SpiffeId = SpiffeId.Parse(row.GetString(1)),
            Kind = row.GetString(2),
            Version = row.GetString(3),
            AttestedAt = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(4)),
            LastSeen = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(5)),
            SerialNumber = row.GetString(6),
            SvidNotAfter = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(7)),
            Banned = row.GetInt64(8) != 0,
        };
}
