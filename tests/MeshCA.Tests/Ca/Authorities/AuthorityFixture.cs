using MeshCA.Ca;
using MeshCA.Ca.Authorities;
using MeshCA.Ca.Issuance;
using MeshCA.Signers;
using MeshCA.Signers.Disk;
using MeshCA.Signers.Memory;
using MeshCA.Testing.Ca;
using MeshCA.Tests.Ca.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshCA.Tests.Ca.Authorities;

/// <summary>A server's authority and own certificate over a store file; the ledger can be made to fail, and with it each issuance.</summary>
internal sealed class AuthorityFixture : IAsyncDisposable
{
    public AuthorityFixture() => Options = Store.Options with { Signers = [Disk] };

    public StoreFixture Store { get; } = new();

    public FakeLedger Ledger { get; } = new();

    public ServerOptions Options { get; set; }

    public DiskSignerOptions Disk =>
        new() { Name = "root", Path = Path.Combine(Store.Options.DataDir, "keys", "root.pem") };

    public static MemorySignerOptions Memory => new() { Name = "root" };

    public AuthorityKeeper Keeper { get; private set; } = null!;

    public IssuancePipeline Pipeline { get; private set; } = null!;

    public ServerSvid Server { get; private set; } = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Configure(bool direct, TimeSpan? rootTtl = null, TimeSpan? intermediateTtl = null) =>
        Options = Options with
        {
            Authority = new()
            {
                RootSigner = "root",
                IssuingDirect = direct,
                RootTtl = rootTtl ?? TimeSpan.FromDays(365),
                IntermediateTtl = intermediateTtl ?? TimeSpan.FromHours(24),
            },
        };

    public void Use(SignerOptions signer) => Options = Options with { Signers = [signer] };

    public async Task<AuthorityKeeper> StartAsync()
    {
        Pipeline = new IssuancePipeline(Ledger, Store.Time, NullLogger<IssuancePipeline>.Instance);
        Keeper = new AuthorityKeeper(
            Options,
            Store.Store,
            Ledger,
            Store.Bundles,
            Pipeline,
            Store.Time,
            NullLoggerFactory.Instance
        );
        Server = new ServerSvid(Keeper, Pipeline, Options, Store.Time, NullLogger<ServerSvid>.Instance);
        await Keeper.InitializeAsync(Ct);
        await Server.InitializeAsync(Ct);
        await Keeper.StartAsync(Ct);
        await Server.StartAsync(Ct);
        return Keeper;
    }

    /// <summary>Ends the server and begins it again on the same files.</summary>
    public async Task<AuthorityKeeper> RestartAsync()
    {
        await StopAsync();
        await Store.ReopenAsync(Ct);
        return await StartAsync();
    }

    /// <summary>The loops may not have set their timers yet, so time goes on in steps.</summary>
    public async Task AdvanceUntilAsync(Func<bool> condition, TimeSpan step)
    {
        for (var i = 0; !condition(); i++)
        {
            Assert.True(i < 20_000, $"nothing came of it by {Store.Time.GetUtcNow():u}: {Keeper.CheckHealth()}");
            Store.Time.Advance(step);
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Ct);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Keeper is not null)
        {
            await StopAsync();
        }

        await Store.DisposeAsync();
    }

    private async Task StopAsync()
    {
        await Server.StopAsync(CancellationToken.None);
        Server.Dispose();
        await Keeper.StopAsync(CancellationToken.None);
        await Keeper.DisposeAsync();
        Pipeline.Dispose();
    }
}
