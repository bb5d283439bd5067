using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using MeshCA.Ca.Issuance;
using MeshCA.Spiffe;
using Microsoft.Data.Sqlite;

namespace MeshCA.Ca.Store.Sqlite;

/// <summary>Ledger and audit log in the embedded store. Concurrent batches share the writer's commits.</summary>
public sealed class SqliteLedger(SqliteDatabase database, TimeProvider time) : IIssuanceLedger
{
    private const string Columns =
        "sequence, serial_number, spiffe_id, not_before, not_after, issued_at, authority_id, agent, entry_id";

    private static readonly JsonWriterOptions _json = new() { SkipValidation = true };

    // Only the writer's thread uses these two.
    private readonly ArrayBufferWriter<byte> _detail = new(1024);
    private Utf8JsonWriter? _writer;

    public Task RecordIntentsAsync(ReadOnlyMemory<IssuanceRecord> records, CancellationToken ct) =>
        database.WriteAsync(
            session =>
            {
                var audit = new SqliteAudit(session, time.GetUtcNow());
                foreach (ref readonly var record in records.Span)
                {
                    WriteIntent(record);
                    audit.Append("x509.signing"u8, _detail.WrittenSpan);
                }

                return true;
            },
            // A commit without a wait for the disk: the operating system has it, so the death of this process loses
            // nothing. The commit of the outcomes waits for the disk, and the log before it goes there too.
            Durability.Process,
            ct
        );

    public Task RecordOutcomesAsync(ReadOnlyMemory<IssuanceRecord> records, CancellationToken ct) =>
        database.WriteAsync(
            session =>
            {
                var audit = new SqliteAudit(session, time.GetUtcNow());
                foreach (ref readonly var record in records.Span)
                {
                    WriteOutcome(record);
                    audit.Append(record.Failure is null ? "x509.signed"u8 : "x509.notSigned"u8, _detail.WrittenSpan);
                    if (record is { Failure: null, Kind: not (IssuanceKind.Authority or IssuanceKind.Proof) })
                    {
                        Insert(session, record);
                    }
                }

                return true;
            },
            Durability.Power,
            ct
        );

    public Task<IssuedIdentity?> FindAsync(SerialNumber serial, CancellationToken ct) =>
        database.ReadAsync(
            session =>
            {
                var bytes = new byte[SerialNumber.Length];
                serial.WriteTo(bytes);
                using var row = session
                    .Command($"SELECT {Columns} FROM identities WHERE serial_number = $1", bytes)
                    .ExecuteReader();
                return row.Read() ? Read(row) : null;
            },
            ct
        );

    public Task<ImmutableArray<IssuedIdentity>> ListAsync(
        IdentityFilter filter,
        long after,
        int count,
        CancellationToken ct
    )
    {
        var conditions = new StringBuilder("sequence > $1");
        var values = new List<object?> { after };
        void Where(string condition, object value)
        {
            values.Add(value);
            conditions.Append(" AND ").Append(condition).Append('$').Append(values.Count);
        }

        if (filter.SpiffeIdPrefix is { Length: > 0 } prefix)
        {
            // A comparison of bytes, not LIKE, which would fold case. No SPIFFE ID has a character as high as DEL.
            Where("spiffe_id >= ", prefix);
            Where("spiffe_id < ", prefix + '\u007f');
        }

        if (filter.ExpiresBefore is { } expiresBefore)
        {
            Where("not_after < ", expiresBefore.ToUnixTimeMilliseconds());
        }

        if (filter.Agent is { } agent)
        {
            Where("agent = ", agent);
        }

        if (filter.Authority is { } authority)
        {
            Where("authority_id = ", authority);
        }

        values.Add((long)count);
        var sql = $"SELECT {Columns} FROM identities WHERE {conditions} ORDER BY sequence LIMIT ${values.Count}";
        return database.ReadAsync(
            session =>
            {
                var found = ImmutableArray.CreateBuilder<IssuedIdentity>();
                using var row = session.Command(sql, [.. values]).ExecuteReader();
                while (row.Read())
                {
                    found.Add(Read(row));
                }

                return found.DrainToImmutable();
            },
            ct
        );
    }

    public Task<DateTimeOffset?> FindLastExpiryAsync(IReadOnlyCollection<string> authorityIds, CancellationToken ct) =>
        database.ReadAsync(
            session =>
            {
                DateTimeOffset? last = null;
                foreach (var id in authorityIds)
                {
                    var found = session
                        .Command("SELECT max(not_after) FROM identities WHERE authority_id = $1", id)
                        .ExecuteScalar();
                    if (found is long milliseconds)
                    {
                        var expiry = DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
                        last = last > expiry ? last : expiry;
                    }
                }

                return last;
            },
            ct
        );

    private static void Insert(SqliteSession session, in IssuanceRecord record)
    {
        Span<byte> serial = stackalloc byte[SerialNumber.Length];
        record.SerialNumber.WriteTo(serial);
        session
            .Statement(
                "INSERT INTO identities (serial_number, kind, spiffe_id, not_before, not_after, issued_at, authority_id, "
                    + "agent, entry_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
            )
            .SetBlob(1, serial)
            .Set(2, (long)record.Kind)
            .SetText(3, record.SpiffeId.ToString())
            .Set(4, record.NotBefore.ToUnixTimeMilliseconds())
            .Set(5, record.NotAfter.ToUnixTimeMilliseconds())
            .Set(6, record.IssuedAt.ToUnixTimeMilliseconds())
            .SetText(7, record.AuthorityId)
            .SetText(8, record.Agent.ToString())
            .SetText(9, record.EntryId)
            .Run();
    }

    private static IssuedIdentity Read(SqliteDataReader row) =>
        new(
            row.GetInt64(0),
            Convert.ToHexStringLower(row.GetFieldValue<byte[]>(1)),
            SpiffeId.Parse(row.GetString(2)),
            DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(3)),
            DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(4)),
            DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(5)),
            row.GetString(6),
            SpiffeId.Parse(row.GetString(7)),
            row.IsDBNull(8) ? null : row.GetString(8)
        );

    private void WriteIntent(in IssuanceRecord record)
    {
        var json = Begin(record);
        json.WriteString("kind"u8, NameOf(record.Kind));
        json.WriteString("spiffeId"u8, record.SpiffeId.ToString());
        json.WriteString("notBefore"u8, record.NotBefore);
        json.WriteString("notAfter"u8, record.NotAfter);
        json.WriteString("authorityId"u8, record.AuthorityId);
        json.WriteString("agent"u8, record.Agent.ToString());
        if (record.EntryId is { } entry)
        {
            json.WriteString("entryId"u8, entry);
        }

        End(json);
    }

    private void WriteOutcome(in IssuanceRecord record)
    {
        var json = Begin(record);
        if (record.Failure is { } failure)
        {
            json.WriteString("reason"u8, failure);
        }

        End(json);
    }

    private Utf8JsonWriter Begin(in IssuanceRecord record)
    {
        _detail.ResetWrittenCount();
        _writer ??= new Utf8JsonWriter(_detail, _json);
        _writer.Reset();
        _writer.WriteStartObject();
        Span<char> serial = stackalloc char[SerialNumber.Length * 2];
        record.SerialNumber.Format(serial);
        _writer.WriteString("serialNumber"u8, serial);
        return _writer;
    }

    private static void End(Utf8JsonWriter json)
    {
        json.WriteEndObject();
        json.Flush();
    }

    private static ReadOnlySpan<byte> NameOf(IssuanceKind kind) =>
        kind switch
        {
            IssuanceKind.Workload => "workload"u8,
            IssuanceKind.Agent => "agent"u8,
            IssuanceKind.Server => "server"u8,
            IssuanceKind.Proof => "proof"u8,
            _ => "authority"u8,
        };
}
