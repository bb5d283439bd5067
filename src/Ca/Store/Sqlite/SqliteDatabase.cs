using System.Collections.Concurrent;
using MeshCA.Spiffe;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace MeshCA.Ca.Store.Sqlite;

/// <summary>An open store file: one writer that commits in groups, and a few read-only connections. One process at a time.</summary>
public sealed class SqliteDatabase : IAsyncDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int MaxReaders = 4;

    private readonly FileStream _lock;
    private readonly SqliteWriter _writer;
    private readonly SemaphoreSlim _readers = new(MaxReaders);
    private readonly ConcurrentBag<SqliteSession> _idleReaders = [];
    private int _disposed;

    private SqliteDatabase(string path, string storeId, FileStream lockFile, SqliteWriter writer) =>
        (Path, StoreId, _lock, _writer) = (path, storeId, lockFile, writer);

    public string Path { get; }

    /// <summary>Random, made once with the file.</summary>
    public string StoreId { get; }

    /// <summary>Opens or creates the file, mode 0600, and brings its schema up to date.</summary>
    public static SqliteDatabase Open(string path, ILogger<SqliteDatabase> logger)
    {
        FileStream? lockFile = null;
        SqliteConnection? connection = null;
        try
        {
            Directory.CreateDirectory(
                System.IO.Path.GetDirectoryName(path)!,
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            );
            lockFile = Lock(path);
            CreateOwnerOnly(path);
            connection = Connect(path, SqliteOpenMode.ReadWrite);
            Configure(connection, path);
            SqliteMigrations.Apply(connection, path);
            return new(
                path,
                ReadStoreId(connection),
                lockFile,
                new SqliteWriter(new SqliteSession(connection), path, logger)
            );
        }
        catch (Exception e)
        {
            connection?.Dispose();
            lockFile?.Dispose();
            throw e switch
            {
                SqliteException s => SqliteErrors.Unavailable(path, s),
                IOException or UnauthorizedAccessException => new MeshCaException(
                    ErrorKind.FailedPrecondition,
                    $"store {path} cannot be opened for writing: {e.Message}; "
                        + "make its directory one that this user may write, or set another dataDir",
                    e
                ),
                _ => e,
            };
        }
    }

    /// <summary>
    /// Runs <paramref name="job"/> on the writer's thread, in a transaction that it may share with others; if it throws, its
    /// changes alone are rolled back. Completes once the commit is as durable as asked for. Jobs commit in the order in
    /// which they were queued; one that has begun is not cancelled.
    /// </summary>
    public Task<T> WriteAsync<T>(Func<SqliteSession, T> job, Durability durability, CancellationToken ct) =>
        WriteAsync(job, durability, committed: null, ct);

    /// <summary>As above; <paramref name="committed"/> is called on the writer's thread after the commit, in commit order.</summary>
    public Task<T> WriteAsync<T>(
        Func<SqliteSession, T> job,
        Durability durability,
        Action<T>? committed,
        CancellationToken ct
    ) => _writer.RunAsync(new SqliteJob<T>(job, durability, committed, ct), ct);

    /// <summary>Runs a query on a read-only connection: it sees every write whose task has completed.</summary>
    public async Task<T> ReadAsync<T>(Func<SqliteSession, T> query, CancellationToken ct)
    {
        await _readers.WaitAsync(ct);
        try
        {
            if (!_idleReaders.TryTake(out var session))
            {
                session = new SqliteSession(Connect(Path, SqliteOpenMode.ReadOnly));
            }

            var result = query(session);
            _idleReaders.Add(session);
            return result;
        }
        catch (SqliteException e)
        {
            // The session is not put back: a fresh connection is the best start after a failure.
            throw SqliteErrors.Unavailable(Path, e);
        }
        finally
        {
            _readers.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        while (_idleReaders.TryTake(out var session))
        {
            session.Dispose();
        }

        // The last connection to close writes the log back into the file: a reader could not.
        await _writer.StopAsync();
        _writer.Dispose();
        await _lock.DisposeAsync();
        _readers.Dispose();
    }

    /// <summary>The kernel drops the lock with the process, however that ends.</summary>
    private static FileStream Lock(string path)
    {
        try
        {
            return new FileStream(
                path + ".lock",
                new FileStreamOptions
                {
                    Mode = FileMode.OpenOrCreate,
                    Access = FileAccess.ReadWrite,
                    Share = FileShare.None,
                    UnixCreateMode = OwnerOnly,
                }
            );
        }
        catch (IOException e) when (File.Exists(path + ".lock"))
        {
            throw new MeshCaException(
                ErrorKind.FailedPrecondition,
                $"store {path} is in use by another meshca server; stop that one, or set another dataDir",
                e
            );
        }
    }

    /// <summary>SQLite gives its -wal and -shm files the mode of the main file.</summary>
    private static void CreateOwnerOnly(string path)
    {
        using var file = new FileStream(
            path,
            new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.ReadWrite,
                UnixCreateMode = OwnerOnly,
            }
        );
        File.SetUnixFileMode(file.SafeFileHandle, OwnerOnly);
    }

    private static SqliteConnection Connect(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder
            {
                DataSource = path,
                Mode = mode,
                ForeignKeys = true,
                Pooling = false,
                DefaultTimeout = 5,
            }.ToString()
        );
        connection.Open();
        return connection;
    }

    private static string ReadStoreId(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT store_id FROM store";
        return (string)command.ExecuteScalar()!;
    }

    private static void Configure(SqliteConnection connection, string path)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode = WAL";
        if (command.ExecuteScalar() is not "wal")
        {
            throw new MeshCaException(
                ErrorKind.FailedPrecondition,
                $"store {path}: its file system cannot hold a write-ahead log (shared memory); use a local disk"
            );
        }

        // Larger than the default of 1,000 pages: under load each checkpoint costs two waits for the disk. And 16 MiB of
        // cache instead of 2: serial numbers are random, so their index is touched all over.
        command.CommandText =
            "PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864; PRAGMA busy_timeout = 5000";
        command.ExecuteNonQuery();
    }
}
