using MeshCA.Ca;
using MeshCA.Ca.Agents;
using MeshCA.Ca.Bundles;
using MeshCA.Ca.Entries;
using MeshCA.Ca.Store.Sqlite;
using MeshCA.Signers.Memory;
using MeshCA.Spiffe;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MeshCA.Tests.Ca.Store;

/// <summary>A store file in a directory of its own, with the registries over it. Can be closed and opened again.</summary>
internal sealed class StoreFixture : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("meshca-store-").FullName;

    public StoreFixture()
    {
        Options = NewOptions(_directory);
        Open();
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    public ServerOptions Options { get; }

    public string Path => Options.SqlitePath;

    public SqliteDatabase Database { get; private set; } = null!;

    public SqliteDataStore Store { get; private set; } = null!;

    public EntryRegistry Entries { get; private set; } = null!;

    public AgentRegistry Agents { get; private set; } = null!;

    public JoinTokens Tokens { get; private set; } = null!;

    public BundleRegistry Bundles { get; private set; } = null!;

    public static ServerOptions NewOptions(string directory) =>
        new()
        {
            TrustDomain = TrustDomain.Parse("example.org"),
            DataDir = directory,
            SqlitePath = System.IO.Path.Combine(directory, "meshca.db"),
            Signers = [new MemorySignerOptions { Name = "root" }],
            Authority = new AuthorityOptions { RootSigner = "root", IssuingDirect = false },
        };

    /// <summary>Closes the file and opens it again, as a restart of the server does.</summary>
    public async Task ReopenAsync(CancellationToken ct)
    {
        await CloseAsync();
        Open();
        var state = await Store.LoadAsync(ct);
        Entries.Load(state);
        Bundles.Load(state);
        Agents.Load(state);
    }

    public async ValueTask CloseAsync()
    {
        Bundles.Dispose();
        await Database.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private void Open()
    {
        Database = SqliteDatabase.Open(Path, NullLogger<SqliteDatabase>.Instance);
        Store = new SqliteDataStore(Database);
        Entries = new EntryRegistry(Store, Options, Time);
        Agents = new AgentRegistry(Store, NullLogger<AgentRegistry>.Instance);
        Tokens = new JoinTokens(Store, Agents, Options, Time);
        Bundles = new BundleRegistry(Store, Options);
    }
}
