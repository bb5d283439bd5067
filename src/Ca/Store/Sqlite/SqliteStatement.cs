using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace MeshCA.Ca.Store.Sqlite;

/// <summary>A statement for rows by the thousand: bound and run without an object for each value. Used by one thread at a time.</summary>
/// <remarks>An insert of eight values takes a third of the time that it takes through SqliteCommand.</remarks>
public sealed class SqliteStatement : IDisposable
{
    private const int MaxStackText = 512;

    private readonly sqlite3 _connection;
    private readonly sqlite3_stmt _statement;

    internal SqliteStatement(sqlite3 connection, string sql)
    {
        _connection = connection;
        Check(raw.sqlite3_prepare_v2(connection, sql, out _statement));
    }

    /// <summary>Parameters count from 1.</summary>
    public SqliteStatement Set(int parameter, long value)
    {
        Check(raw.sqlite3_bind_int64(_statement, parameter, value));
        return this;
    }

    public SqliteStatement SetBlob(int parameter, ReadOnlySpan<byte> value)
    {
        Check(raw.sqlite3_bind_blob(_statement, parameter, value));
        return this;
    }

    public SqliteStatement SetText(int parameter, ReadOnlySpan<byte> utf8)
    {
        Check(raw.sqlite3_bind_text(_statement, parameter, utf8));
        return this;
    }

    /// <summary>Null binds NULL.</summary>
    public SqliteStatement SetText(int parameter, string? value)
    {
        if (value is null)
        {
            Check(raw.sqlite3_bind_null(_statement, parameter));
            return this;
        }

        var length = Encoding.UTF8.GetMaxByteCount(value.Length);
        var utf8 = length <= MaxStackText ? stackalloc byte[MaxStackText] : new byte[length];
        return SetText(parameter, utf8[..Encoding.UTF8.GetBytes(value, utf8)]);
    }

    /// <summary>Runs a statement that answers no rows.</summary>
    public void Run()
    {
        var result = raw.sqlite3_step(_statement);
        raw.sqlite3_reset(_statement);
        if (result != raw.SQLITE_DONE)
        {
            Check(result);
        }
    }

    public void Dispose() => _statement.Dispose();

    private void Check(int result) => SqliteException.ThrowExceptionForRC(result, _connection);
}
