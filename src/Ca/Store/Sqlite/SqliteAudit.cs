using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MeshCA.Ca.Store.Sqlite;

/// <summary>Appends to the table <c>audit</c>, each row chained to the one before it. One for each job of the writer.</summary>
internal ref struct SqliteAudit
{
    /// <summary>Stands before the first row's hash.</summary>
    private static readonly byte[] _beginning = new byte[SHA256.HashSizeInBytes];

    private readonly SqliteStatement _insert;
    private readonly byte[] _hash;
    private readonly long _time;
    private long _sequence;

    /// <summary>Goes on from the last row as the transaction sees it: what was rolled back is in no chain.</summary>
    public SqliteAudit(SqliteSession session, DateTimeOffset time)
    {
        _time = time.ToUnixTimeMilliseconds();
        _insert = session.Statement(
            "INSERT INTO audit (sequence, time, event, detail, hash) VALUES (?1, ?2, ?3, ?4, ?5)"
        );
        using var last = session
            .Command("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")
            .ExecuteReader();
        if (last.Read())
        {
            _sequence = last.GetInt64(0);
            _hash = last.GetFieldValue<byte[]>(1);
        }
        else
        {
            _hash = [.. _beginning];
        }
    }

    /// <summary><paramref name="name"/> names the event, in ASCII; <paramref name="detail"/> is a JSON object in UTF-8.</summary>
    public void Append(ReadOnlySpan<byte> name, ReadOnlySpan<byte> detail)
    {
        _sequence++;
        Hash(_hash, _sequence, _time, name, detail, _hash);
        _insert.Set(1, _sequence).Set(2, _time).SetText(3, name).SetText(4, detail).SetBlob(5, _hash).Run();
    }

    /// <summary>SHA-256 over the hash before, sequence and time (64 bits, big-endian), the event's length and name, and the detail.</summary>
    public static void Hash(
        ReadOnlySpan<byte> before,
        long sequence,
        long time,
        ReadOnlySpan<byte> name,
        ReadOnlySpan<byte> detail,
        Span<byte> hash
    )
    {
        var length = before.Length + 17 + name.Length + detail.Length;
        var data = length <= 1024 ? stackalloc byte[1024] : new byte[length];
        before.CopyTo(data);
        BinaryPrimitives.WriteInt64BigEndian(data[before.Length..], sequence);
        BinaryPrimitives.WriteInt64BigEndian(data[(before.Length + 8)..], time);
        data[before.Length + 16] = (byte)name.Length;
        name.CopyTo(data[(before.Length + 17)..]);
        detail.CopyTo(data[(before.Length + 17 + name.Length)..]);
        SHA256.HashData(data[..length], hash);
    }
}
