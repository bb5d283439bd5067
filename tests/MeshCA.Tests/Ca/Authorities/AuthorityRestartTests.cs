using MeshCA.Ca.Authorities;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Ca.Authorities;

/// <summary>What a server makes of the files that the one before it left, and of settings that do not fit.</summary>
public sealed class AuthorityRestartTests : IAsyncDisposable
{
    private readonly AuthorityFixture _fixture = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Restart_DiskRoot_KeepsRootAndSequenceNumber(bool direct)
    {
        _fixture.Configure(direct);
        var first = await _fixture.StartAsync();
        var (bundle, root, issuing) = (_fixture.Store.Bundles.Own, first.Current.Root.Id, first.Current.Id);

        var second = await _fixture.RestartAsync();

        Assert.Equal(bundle, _fixture.Store.Bundles.Own);
        Assert.Equal(1ul, bundle.SequenceNumber);
        Assert.Equal(root, second.Current.Root.Id);
        Assert.Equal(direct, issuing == second.Current.Id);
    }

    [Fact]
    public async Task Restart_FormerIntermediate_RetiresAndIsPrunedOnceItHasEnded()
    {
        _fixture.Configure(direct: false);
        var former = (await _fixture.StartAsync()).Current.Id;
        var keeper = await _fixture.RestartAsync();
        Assert.Equal(AuthorityState.Retiring, (await keeper.GetAsync(former, Ct)).State);
        Assert.Equal(AuthorityState.Active, (await keeper.GetAsync(keeper.Current.Id, Ct)).State);

        _fixture.Store.Time.Advance(TimeSpan.FromHours(24));
        keeper = await _fixture.RestartAsync();

        Assert.Equal(AuthorityState.Pruned, (await keeper.GetAsync(former, Ct)).State);
        Assert.Equal(1ul, _fixture.Store.Bundles.Own.SequenceNumber);
    }

    [Fact]
    public async Task Restart_MemoryThenDisk_IsNoMismatch()
    {
        _fixture.Use(AuthorityFixture.Memory);
        var former = (await _fixture.StartAsync()).Current.Root.Id;
        _fixture.Use(_fixture.Disk);

        var keeper = await _fixture.RestartAsync();

        Assert.NotEqual(former, keeper.Current.Root.Id);
        Assert.Contains(
            Pem.EncodeCertificates([keeper.Current.Root.Certificate]),
            _fixture.Store.Bundles.Own.ToPem(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Restart_DiskThenMemory_IsRefusedAndNamesBoth()
    {
        var root = (await _fixture.StartAsync()).Current.Root;
        _fixture.Use(AuthorityFixture.Memory);

        var error = await Assert.ThrowsAsync<MeshCaException>(_fixture.RestartAsync);

        Assert.Equal(ErrorKind.FailedPrecondition, error.Kind);
        Assert.Equal(
            $"signer 'root': its key is not that of the root certificate {root.Id}, made with signer 'root' and valid until "
                + $"{root.NotAfter:u}; restore that key",
            error.Message
        );
    }

    [Fact]
    public async Task Restart_OtherTrustDomain_IsRefused()
    {
        await _fixture.StartAsync();
        _fixture.Options = _fixture.Options with { TrustDomain = TrustDomain.Parse("other.org") };

        var error = await Assert.ThrowsAsync<MeshCaException>(_fixture.RestartAsync);

        Assert.StartsWith(
            "the store's root certificate is for spiffe://example.org, not for trust domain other.org; ",
            error.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Restart_RootHasExpired_IsMadeAnewAndPublished()
    {
        var former = (await _fixture.StartAsync()).Current.Root;
        _fixture.Store.Time.Advance(TimeSpan.FromDays(365));

        var keeper = await _fixture.RestartAsync();

        Assert.True(keeper.Current.Root.NotAfter > former.NotAfter);
        Assert.Equal(Pem.EncodeCertificates([keeper.Current.Root.Certificate]), _fixture.Store.Bundles.Own.ToPem());
        Assert.Equal(2ul, _fixture.Store.Bundles.Own.SequenceNumber);
    }

    [Fact]
    public async Task Start_UnknownSigner_IsRefused()
    {
        _fixture.Options = _fixture.Options with
        {
            Authority = new() { RootSigner = "hsm", IssuingDirect = true },
        };

        var error = await Assert.ThrowsAsync<MeshCaException>(_fixture.StartAsync);

        Assert.Equal("authority: rootSigner 'hsm' is none of the signers 'root'", error.Message);
    }

    [Theory]
    [InlineData(true, 2, 24, "svid: x509SvidTtl 1h is more than a third of the issuing authority's rootTtl 2h; ")]
    [InlineData(
        false,
        24,
        2,
        "svid: x509SvidTtl 1h is more than a third of the issuing authority's intermediateTtl 2h; "
    )]
    [InlineData(false, 12, 24, "authority: intermediateTtl 24h is longer than rootTtl 12h, under which it is issued; ")]
    public async Task Start_LifetimesDoNotFit_IsRefusedAndNoKeyIsMade(
        bool direct,
        int rootHours,
        int intermediateHours,
        string message
    )
    {
        _fixture.Configure(direct, TimeSpan.FromHours(rootHours), TimeSpan.FromHours(intermediateHours));

        var error = await Assert.ThrowsAsync<MeshCaException>(_fixture.StartAsync);

        Assert.Equal(ErrorKind.FailedPrecondition, error.Kind);
        Assert.StartsWith(message, error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_fixture.Disk.Path));
    }

    [Theory]
    [InlineData(true, 3, 1)]
    [InlineData(false, 3, 3)]
    public async Task Start_LifetimesJustFit_Issues(bool direct, int rootHours, int intermediateHours)
    {
        _fixture.Configure(direct, TimeSpan.FromHours(rootHours), TimeSpan.FromHours(intermediateHours));

        var keeper = await _fixture.StartAsync();

        Assert.Equal(_fixture.Store.Time.GetUtcNow() + TimeSpan.FromHours(3), keeper.Current.NotAfter);
    }

    [Fact]
    public async Task List_RootAndIntermediates_ComeInPagesInTheOrderOfIssue()
    {
        _fixture.Configure(direct: false);
        await _fixture.StartAsync();
        _fixture.Store.Time.Advance(TimeSpan.FromSeconds(1));
        var keeper = await _fixture.RestartAsync();

        var first = await keeper.ListAsync(after: null, 2, Ct);
        var second = await keeper.ListAsync(first.Next, 2, Ct);

        Assert.Equal(2, first.Items.Length);
        Assert.Equal([keeper.Current.Id], second.Items.Select(a => a.Id));
        Assert.Null(second.Next);
        var root = await keeper.GetAsync(keeper.Current.Root.Id, Ct);
        Assert.Null(root.ParentId);
        Assert.Equal($"O=example.org, CN=MeshCA root {root.Id[..8]}", Reversed(root.Subject));
        Assert.Equal(root.ToPem(), _fixture.Store.Bundles.Own.ToPem());
        Assert.Equal(keeper.Current.Root.NotBefore, root.NotBefore);
        Assert.Equal(root.Id, second.Items[0].ParentId);
    }

    [Fact]
    public async Task Get_UnknownId_IsNotFound()
    {
        var keeper = await _fixture.StartAsync();

        var error = await Assert.ThrowsAsync<MeshCaException>(() => keeper.GetAsync("00", Ct));

        Assert.Equal((ErrorKind.NotFound, "there is no authority 00"), (error.Kind, error.Message));
    }

    /// <summary>RFC 4514 writes the last attribute first.</summary>
    private static string Reversed(string name) => string.Join(", ", name.Split(", ").Reverse());
}
