using MeshCA.Ca.Store;
using MeshCA.Ca.Store.Sqlite;
using MeshCA.Spiffe;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshCA.Tests.Ca.Store;

public sealed class SqliteDatabaseTests
{
    [Fact]
    public async Task Open_NewFile_IsOwnersAlone()
    {
        await using var fixture = new StoreFixture();

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(fixture.Path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(fixture.Path + "-wal"));
    }

    [Fact]
    public async Task Open_FileOfANewerVersion_NamesBothVersionsAndTheRemedy()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        await fixture.CloseAsync();
        await using (var connection = new SqliteConnection($"Data Source={fixture.Path};Pooling=False"))
        {
            await connection.OpenAsync(ct);
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA user_version = 4711";
            await command.ExecuteNonQueryAsync(ct);
        }

        var error = Assert.Throws<MeshCaException>(() => Open(fixture.Path));

        Assert.Equal(ErrorKind.FailedPrecondition, error.Kind);
        Assert.Equal(
            $"store {fixture.Path} has schema version 4711 and this meshca knows versions up to {SqliteMigrations.Newest}: "
                + "a newer meshca has written it; run that version, or restore a backup made before the upgrade",
            error.Message
        );
    }

    [Fact]
    public async Task Open_AlreadyOpen_IsRefused()
    {
        await using var fixture = new StoreFixture();

        var error = Assert.Throws<MeshCaException>(() => Open(fixture.Path));

        Assert.Equal(ErrorKind.FailedPrecondition, error.Kind);
        Assert.Contains("in use by another meshca server", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/proc/meshca/meshca.db")]
    [InlineData("/dev/null/meshca.db")]
    public void Open_DirectoryNotWritable_SaysSo(string path)
    {
        var error = Assert.Throws<MeshCaException>(() => Open(path));

        Assert.Equal(ErrorKind.FailedPrecondition, error.Kind);
        Assert.StartsWith($"store {path} cannot be opened for writing: ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("or set another dataDir", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_NotADatabase_SaysDamaged()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        await fixture.CloseAsync();
        await File.WriteAllTextAsync(fixture.Path, new string('x', 8192), ct);

        var error = Assert.Throws<MeshCaException>(() => Open(fixture.Path));

        Assert.Contains("is damaged", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Write_OneJobFails_OthersOfTheSameCommitStay()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        await CreateTableAsync(fixture, ct);
        using var hold = new ManualResetEventSlim();
        var first = fixture.Database.WriteAsync(
            session =>
            {
                hold.Wait(ct);
                return session.Execute("INSERT INTO t VALUES (0)");
            },
            Durability.Process,
            ct
        );

        // All queued while the writer is held, so they share one commit.
        var jobs = Enumerable
            .Range(1, 20)
            .Select(i =>
                fixture.Database.WriteAsync(
                    session =>
                    {
                        session.Execute("INSERT INTO t VALUES ($1)", (long)i);
                        return i % 2 == 0 ? i : throw new MeshCaException(ErrorKind.NotFound, $"job {i}");
                    },
                    i % 3 == 0 ? Durability.Power : Durability.Process,
                    ct
                )
            )
            .ToList();
        hold.Set();
        await first;
        var failures = 0;
        foreach (var job in jobs)
        {
            try
            {
                await job;
            }
            catch (MeshCaException e) when (e.Kind == ErrorKind.NotFound)
            {
                failures++;
            }
        }

        Assert.Equal(10, failures);
        Assert.Equal([0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20], await ReadAsync(fixture, ct));
    }

    [Fact]
    public async Task Write_Committed_ToldInCommitOrderBeforeTheTaskCompletes()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        await CreateTableAsync(fixture, ct);
        var told = new List<long>();

        var jobs = Enumerable
            .Range(0, 500)
            .Select(i =>
                fixture.Database.WriteAsync(
                    session =>
                        (long)session.Command("INSERT INTO t SELECT count(*) FROM t RETURNING x").ExecuteScalar()!,
                    Durability.Process,
                    told.Add,
                    ct
                )
            );
        await Task.WhenAll(jobs);

        Assert.Equal(Enumerable.Range(0, 500).Select(i => (long)i), told);
    }

    [Fact]
    public async Task Write_AfterDispose_IsUnavailable()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        var pending = fixture.Database.WriteAsync(
            session =>
            {
                session.Execute("CREATE TABLE t (x)");
                return "done";
            },
            Durability.Power,
            ct
        );
        await fixture.CloseAsync();

        var error = await Assert.ThrowsAsync<MeshCaException>(() => CreateTableAsync(fixture, ct));

        Assert.Equal("done", await pending);
        Assert.Equal(ErrorKind.Unavailable, error.Kind);
    }

    [Fact]
    public async Task Reopen_KeepsWhatWasWritten()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        await CreateTableAsync(fixture, ct);
        await fixture.Database.WriteAsync(s => s.Execute("INSERT INTO t VALUES (7)"), Durability.Process, ct);
        var storeId = fixture.Store.StoreId;

        await fixture.ReopenAsync(ct);

        Assert.Equal([7], await ReadAsync(fixture, ct));
        Assert.Equal(storeId, fixture.Store.StoreId);
    }

    [Theory]
    [InlineData(Durability.Process)]
    [InlineData(Durability.Power)]
    public async Task Write_ServerKilledAfterwards_IsThere(Durability durability)
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        await CreateTableAsync(fixture, ct);
        for (var i = 0; i < 100; i++)
        {
            await fixture.Database.WriteAsync(s => s.Execute("INSERT INTO t VALUES ($1)", (long)i), durability, ct);
        }

        // What the operating system has at this moment is what a killed server leaves.
        var left = fixture.Path + "-left.db";
        File.Copy(fixture.Path, left);
        File.Copy(fixture.Path + "-wal", left + "-wal");
        await using var database = Open(left);
        var rows = await database.ReadAsync(
            session => (long)session.Command("SELECT count(*) FROM t").ExecuteScalar()!,
            ct
        );

        Assert.Equal(100, rows);
    }

    private static SqliteDatabase Open(string path) => SqliteDatabase.Open(path, NullLogger<SqliteDatabase>.Instance);

    private static Task<int> CreateTableAsync(StoreFixture fixture, CancellationToken ct) =>
        fixture.Database.WriteAsync(session => session.Execute("CREATE TABLE t (x INTEGER)"), Durability.Process, ct);

    private static Task<List<long>> ReadAsync(StoreFixture fixture, CancellationToken ct) =>
        fixture.Database.ReadAsync(
            session =>
            {
                var values = new List<long>();
                using var reader = session.Command("SELECT x FROM t ORDER BY x").ExecuteReader();
                while (reader.Read())
                {
                    values.Add(reader.GetInt64(0));
                }

                return values;
            },
            ct
        );
}
