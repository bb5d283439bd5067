using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshCA.Ca;
using MeshCA.Ca.Authorities;
using MeshCA.Ca.Issuance;
using MeshCA.Ca.Store.Sqlite;
using MeshCA.Signers.Disk;
using MeshCA.Signers.Memory;
using MeshCA.Spiffe;
using MeshCA.Tests.Ca.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshCA.Tests.Ca.Authorities;

public sealed class AuthorityKeeperTests : IAsyncDisposable
{
    private readonly StoreFixture _store = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 2)]
    public async Task Initialize_NewStore_IssuesAChainThatTheBundleTrusts(bool direct, int chainLength)
    {
        await using var server = await StartAsync(direct, Disk());

        var chain = await server.Issuer.IssueAgentAsync(AgentId, Csr(), Ct);

        Assert.Equal(chainLength, chain.Chain.Length);
        Assert.Equal(AgentId, X509SvidVerifier.Verify(chain.Chain, [_store.Bundles.Own], _store.Time.GetUtcNow()));
        Assert.Equal(1UL, _store.Bundles.Own.SequenceNumber);
        var identity = await server.Identities.GetAsync(chain.SerialNumber, Ct);
        Assert.Equal((AgentId, chain.NotAfter), (identity.SpiffeId, identity.NotAfter));
    }

    [Fact]
    public async Task Initialize_Again_KeepsTheRoot()
    {
        ReadOnlyMemory<byte> root;
        await using (var server = await StartAsync(direct: true, Disk()))
        {
            root = server.Keeper.Current.Certificate;
        }

        await _store.ReopenAsync(Ct);
        await using var again = await StartAsync(direct: true, Disk());

        Assert.True(root.Span.SequenceEqual(again.Keeper.Current.Certificate.Span));
        Assert.Equal(1UL, _store.Bundles.Own.SequenceNumber);
    }

    [Fact]
    public async Task Initialize_KeyFileReplaced_SaysToRestoreIt()
    {
        await using (await StartAsync(direct: true, Disk()))
        {
            File.Delete(Disk().Path);
        }

        await _store.ReopenAsync(Ct);

        var e = await Assert.ThrowsAsync<MeshCaException>(() => StartAsync(direct: true, Disk()));
        Assert.Equal(ErrorKind.FailedPrecondition, e.Kind);
        Assert.EndsWith("restore that key", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Initialize_MemoryRoot_OldRootStaysWhileLeavesOfItLive()
    {
        await using (var server = await StartAsync(direct: true, Memory()))
        {
            await server.Issuer.IssueAgentAsync(AgentId, Csr(), Ct);
        }

        await _store.ReopenAsync(Ct);
        await using (await StartAsync(direct: true, Memory()))
        {
            Assert.Equal(2, _store.Bundles.Own.X509Authorities.Length);
            Assert.Equal(2UL, _store.Bundles.Own.SequenceNumber);
        }

        _store.Time.Advance(TimeSpan.FromHours(2));
        await _store.ReopenAsync(Ct);
        await using var last = await StartAsync(direct: true, Memory());

        Assert.Equal(
            [last.Keeper.Current.Certificate.ToArray()],
            _store.Bundles.Own.X509Authorities.Select(a => a.ToArray())
        );
        Assert.Equal(3UL, _store.Bundles.Own.SequenceNumber);
    }

    [Fact]
    public async Task Initialize_SvidTtlTooLong_IsRefused()
    {
        var options = Options(direct: false, Memory()) with { X509SvidTtl = TimeSpan.FromHours(9) };

        var e = await Assert.ThrowsAsync<MeshCaException>(() => StartAsync(options));

        Assert.Contains("more than a third", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ServerSvid_Context_HasTheServersIdAndItsKey()
    {
        await using var server = await StartAsync(direct: false, Memory());
        using var svid = new ServerSvid(
            server.Keeper,
            server.Pipeline,
            _store.Options,
            _store.Time,
            NullLogger<ServerSvid>.Instance
        );

        await svid.InitializeAsync(Ct);

        var leaf = svid.Context.TargetCertificate;
        Assert.True(leaf.HasPrivateKey);
        Assert.Equal("spiffe://example.org/meshca/server", X509SvidVerifier.ReadId(leaf.RawDataMemory).ToString());
        Assert.Single(svid.Context.IntermediateCertificates);
    }

    private static SpiffeId AgentId => ReservedIds.Agent(TrustDomain.Parse("example.org"), "join_token", "1");

    private static byte[] Csr() => OwnCsr.Make();

    private DiskSignerOptions Disk() =>
        new() { Name = "root", Path = Path.Combine(_store.Options.DataDir, "keys", "root.pem") };

    private static MemorySignerOptions Memory() => new() { Name = "root" };

    private ServerOptions Options(bool direct, MeshCA.Signers.SignerOptions signer) =>
        _store.Options with
        {
            Signers = [signer],
            Authority = new AuthorityOptions { RootSigner = "root", IssuingDirect = direct },
        };

    private Task<Server> StartAsync(bool direct, MeshCA.Signers.SignerOptions signer) =>
        StartAsync(Options(direct, signer));

    private async Task<Server> StartAsync(ServerOptions options)
    {
        var ledger = new SqliteLedger(_store.Database, _store.Time);
        var pipeline = new IssuancePipeline(ledger, _store.Time, NullLogger<IssuancePipeline>.Instance);
        var keeper = new AuthorityKeeper(
            options,
            _store.Store,
            ledger,
            _store.Bundles,
            pipeline,
            _store.Time,
            NullLoggerFactory.Instance
        );
        await keeper.InitializeAsync(Ct);
        return new(keeper, pipeline, new X509Issuer(keeper, pipeline, options), new IdentityLedger(ledger));
    }

    private static class OwnCsr
    {
        public static byte[] Make()
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            return new CertificateRequest("CN=whatever", key, HashAlgorithmName.SHA256).CreateSigningRequest();
        }
    }

    private sealed record Server(
        AuthorityKeeper Keeper,
        IssuancePipeline Pipeline,
        X509Issuer Issuer,
        IdentityLedger Identities
    ) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Keeper.DisposeAsync();
            Pipeline.Dispose();
        }
    }
}
