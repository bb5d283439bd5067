using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using MeshCA.Ca.Entries;
using MeshCA.Spiffe;
using Microsoft.Data.Sqlite;

namespace MeshCA.Ca.Store.Sqlite;

/// <summary>Entries as rows of the table of that name.</summary>
internal static class EntryRows
{
    public static List<RegistrationEntry> ReadAll(SqliteSession session)
    {
        var entries = new List<RegistrationEntry>();
        using var reader = session
            .Command(
                "SELECT id, spiffe_id, parent_id, selectors, x509_svid_ttl, jwt_svid_ttl, dns_names, federates_with, hint, "
                    + "labels, created_at, revision FROM entries"
            )
            .ExecuteReader();
        while (reader.Read())
        {
            entries.Add(Read(reader));
        }

        return entries;
    }

    /// <summary>The id of the entry that equals <paramref name="entry"/> in what must be unique, or null.</summary>
    public static string? FindEqual(SqliteSession session, RegistrationEntry entry) =>
        session
            .Command("SELECT id FROM entries WHERE fingerprint = $1 AND id <> $2", Fingerprint(entry), entry.Id)
            .ExecuteScalar() as string;

    /// <summary>Null if there is no such entry.</summary>
    public static long? FindRevision(SqliteSession session, string id) =>
        session.Command("SELECT revision FROM entries WHERE id = $1", id).ExecuteScalar() as long?;

    public static void Put(SqliteSession session, RegistrationEntry entry) =>
        session.Execute(
            "INSERT OR REPLACE INTO entries (id, fingerprint, spiffe_id, parent_id, selectors, x509_svid_ttl, jwt_svid_ttl, "
                + "dns_names, federates_with, hint, labels, created_at, revision) "
                + "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            entry.Id,
            Fingerprint(entry),
            entry.SpiffeId.ToString(),
            entry.ParentId?.ToString(),
            ToJson(entry.Selectors),
            (long?)entry.X509SvidTtl?.TotalMilliseconds,
            (long?)entry.JwtSvidTtl?.TotalMilliseconds,
            ToJson(entry.DnsNames),
            ToJson(entry.FederatesWith),
            entry.Hint,
            JsonSerializer.Serialize(
                new SortedDictionary<string, string>(entry.Labels, StringComparer.Ordinal),
                SqliteJson.Default.SortedDictionaryStringString
            ),
            entry.CreatedAt.ToUnixTimeMilliseconds(),
            entry.Revision
        );

    public static void Delete(SqliteSession session, string id) =>
        session.Execute("DELETE FROM entries WHERE id = $1", id);

    private static RegistrationEntry Read(SqliteDataReader row) =>
        new()
        {
            Id = row.GetString(0),
            SpiffeId = SpiffeId.Parse(row.GetString(1)),
            ParentId = row.IsDBNull(2) ? null : SpiffeId.Parse(row.GetString(2)),
            Selectors = [.. FromJson(row.GetString(3)).Select(text => Selector.Parse(text))],
            X509SvidTtl = row.IsDBNull(4) ? null : TimeSpan.FromMilliseconds(row.GetInt64(4)),
            JwtSvidTtl = row.IsDBNull(5) ? null : TimeSpan.FromMilliseconds(row.GetInt64(5)),
            DnsNames = [.. FromJson(row.GetString(6))],
            FederatesWith = [.. FromJson(row.GetString(7)).Select(text => TrustDomain.Parse(text))],
            Hint = row.GetString(8),
            Labels = JsonSerializer
                .Deserialize(row.GetString(9), SqliteJson.Default.SortedDictionaryStringString)!
                .ToImmutableSortedDictionary(StringComparer.Ordinal),
            CreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(10)),
            Revision = row.GetInt64(11),
        };

    /// <summary>No part can hold a control character, so the separators make it unambiguous.</summary>
    private static byte[] Fingerprint(RegistrationEntry entry) =>
        SHA256.HashData(
            System.Text.Encoding.UTF8.GetBytes(
                $"{entry.SpiffeId}\n{entry.ParentId}\n{string.Join('\n', entry.Selectors)}"
            )
        );

    private static string ToJson<T>(ImmutableArray<T> items) =>
        JsonSerializer.Serialize([.. items.Select(item => item!.ToString()!)], SqliteJson.Default.StringArray);

    private static string[] FromJson(string json) => JsonSerializer.Deserialize(json, SqliteJson.Default.StringArray)!;
}
