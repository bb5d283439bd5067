using System.Security.Cryptography;
using MeshCA.Ca.Agents;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Store.Sqlite;

/// <summary>Join tokens as rows of the table of that name, by the hash of the token.</summary>
internal static class JoinTokenRows
{
    /// <summary>For so long a caller is told that a token has expired or was used, rather than that it is not known.</summary>
    private static readonly TimeSpan _keptAfterExpiry = TimeSpan.FromDays(1);

    public static void Insert(SqliteSession session, byte[] tokenHash, DateTimeOffset now, DateTimeOffset expiresAt)
    {
        session.Execute(
            "DELETE FROM join_tokens WHERE expires_at < $1",
            (now - _keptAfterExpiry).ToUnixTimeMilliseconds()
        );
        session.Execute(
            "INSERT INTO join_tokens (token_hash, created_at, expires_at) VALUES ($1, $2, $3)",
            tokenHash,
            now.ToUnixTimeMilliseconds(),
            expiresAt.ToUnixTimeMilliseconds()
        );
    }

    public static AgentRecord Redeem(SqliteSession session, byte[] tokenHash, byte[] keyHash, AgentRecord agent)
    {
        string? agentId;
        byte[]? redeemedBy;
        DateTimeOffset expiresAt;
        using (
            var reader = session
                .Command("SELECT expires_at, agent_id, key_hash FROM join_tokens WHERE token_hash = $1", tokenHash)
                .ExecuteReader()
        )
        {
            if (!reader.Read())
            {
                throw Refused("it is not known: check it, or");
            }

            expiresAt = DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(0));
            agentId = reader.IsDBNull(1) ? null : reader.GetString(1);
            redeemedBy = reader.IsDBNull(2) ? null : reader.GetFieldValue<byte[]>(2);
        }

        if (redeemedBy is not null && !CryptographicOperations.FixedTimeEquals(redeemedBy, keyHash))
        {
            throw Refused("it was used already:");
        }

        if (expiresAt <= agent.AttestedAt)
        {
            throw Refused("it has expired:");
        }

        if (redeemedBy is not null)
        {
            return AgentRows.Find(session, agentId!) ?? throw Refused($"the agent {agentId} that it made was evicted:");
        }

        session.Execute(
            "UPDATE join_tokens SET agent_id = $2, key_hash = $3 WHERE token_hash = $1",
            tokenHash,
            agent.Id,
            keyHash
        );
        AgentRows.Insert(session, agent);
        return agent;
    }

    private static MeshCaException Refused(string why) =>
        new(ErrorKind.PermissionDenied, $"join token refused: {why} make a new one with 'meshca token create'");
}
