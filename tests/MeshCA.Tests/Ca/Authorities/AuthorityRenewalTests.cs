using MeshCA.Ca;
using MeshCA.Ca.Authorities;
using MeshCA.Signers;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Ca.Authorities;

public sealed class AuthorityRenewalTests : IAsyncDisposable
{
    private readonly AuthorityFixture _fixture = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Intermediate_HalfOfItsLifeIsOver_IsRenewedUnderTheSameRoot()
    {
        _fixture.Configure(direct: false);
        var keeper = await _fixture.StartAsync();
        var first = keeper.Current;
        var start = _fixture.Store.Time.GetUtcNow();

        await _fixture.AdvanceUntilAsync(() => keeper.Current.Id != first.Id, TimeSpan.FromMinutes(1));

        Assert.InRange(_fixture.Store.Time.GetUtcNow() - start, TimeSpan.FromHours(12), TimeSpan.FromHours(13));
        Assert.True(keeper.Current.NotAfter > first.NotAfter);
        Assert.Same(first.Root, keeper.Current.Root);
        Assert.Equal(1ul, _fixture.Store.Bundles.Own.SequenceNumber);
        // A batch that began with the one before ends with it.
        Assert.NotEmpty(await first.Signer.SignAsync(new byte[32], SignatureScheme.EcdsaSha256, Ct));
    }

    [Fact]
    public async Task Renewal_Fails_OldOneStaysAndHealthGoesFromDegradedToDownAndBack()
    {
        _fixture.Configure(direct: false);
        var keeper = await _fixture.StartAsync();
        var first = keeper.Current;
        _fixture.Ledger.IntentsFail = new(ErrorKind.Unavailable, "the ledger is away");

        await _fixture.AdvanceUntilAsync(() => keeper.CheckHealth().Problem is not null, TimeSpan.FromMinutes(1));
        Assert.Same(first, keeper.Current);
        Assert.Equal(
            new AuthorityHealth(
                CanIssue: true,
                $"the issuing authority ends at {first.NotAfter:u} and could not be renewed: the ledger is away",
                first.NotAfter
            ),
            keeper.CheckHealth()
        );

        await _fixture.AdvanceUntilAsync(() => !keeper.CheckHealth().CanIssue, TimeSpan.FromMinutes(1));
        Assert.Same(first, keeper.Current);
        Assert.InRange(
            first.NotAfter - _fixture.Store.Time.GetUtcNow(),
            TimeSpan.FromHours(7.9),
            TimeSpan.FromHours(8)
        );

        _fixture.Store.Time.Advance(TimeSpan.FromHours(8));
        Assert.Equal(ErrorKind.Unavailable, Assert.Throws<MeshCaException>(() => keeper.Current).Kind);

        _fixture.Ledger.IntentsFail = null;
        await _fixture.AdvanceUntilAsync(
            () => keeper.CheckHealth() is { CanIssue: true, Problem: null },
            TimeSpan.FromSeconds(5)
        );
        Assert.NotEqual(first.Id, keeper.Current.Id);
    }

    [Fact]
    public async Task Renewal_StoreIsClosed_LoopGoesOn()
    {
        _fixture.Configure(direct: false, intermediateTtl: TimeSpan.FromHours(3));
        var keeper = await _fixture.StartAsync();
        var first = keeper.Current;
        await _fixture.Store.CloseAsync();

        await _fixture.AdvanceUntilAsync(() => keeper.CheckHealth().Problem is not null, TimeSpan.FromMinutes(1));

        Assert.Same(first, keeper.Current);
        Assert.False(keeper.ExecuteTask!.IsCompleted);
    }

    [Fact]
    public async Task Intermediate_EndsWithItsRoot_IsNotRenewedForNothing()
    {
        _fixture.Configure(direct: false, TimeSpan.FromHours(24), TimeSpan.FromHours(24));
        var keeper = await _fixture.StartAsync();
        var first = keeper.Current;
        var issued = _fixture.Ledger.Issued.Count(r => r.Kind == MeshCA.Ca.Issuance.IssuanceKind.Authority);

        await _fixture.AdvanceUntilAsync(() => keeper.CheckHealth().Problem is not null, TimeSpan.FromMinutes(5));
        Assert.Equal(
            new AuthorityHealth(
                CanIssue: true,
                $"the root {first.Root.Id} ends at {first.NotAfter:u}; replace it before",
                first.NotAfter
            ),
            keeper.CheckHealth()
        );

        await _fixture.AdvanceUntilAsync(() => !keeper.CheckHealth().CanIssue, TimeSpan.FromMinutes(5));
        Assert.Equal(first.NotAfter, keeper.CheckHealth().IssuesUntil);
        Assert.Throws<MeshCaException>(() => keeper.Current);
        Assert.Equal(issued, _fixture.Ledger.Issued.Count(r => r.Kind == MeshCA.Ca.Issuance.IssuanceKind.Authority));
    }

    [Fact]
    public async Task Intermediate_OfShortLife_IsRenewedAgainAfterSomeFailures()
    {
        _fixture.Options = _fixture.Options with { X509SvidTtl = TimeSpan.FromSeconds(20) };
        _fixture.Configure(direct: false, intermediateTtl: TimeSpan.FromMinutes(1));
        var keeper = await _fixture.StartAsync();
        var first = keeper.Current;
        _fixture.Ledger.IntentsFail = new(ErrorKind.Unavailable, "the ledger is away");
        await _fixture.AdvanceUntilAsync(() => !keeper.CheckHealth().CanIssue, TimeSpan.FromSeconds(0.5));

        _fixture.Ledger.IntentsFail = null;

        // Back-off is bounded by the life of what is renewed: it comes before the end.
        await _fixture.AdvanceUntilAsync(() => keeper.CheckHealth().Problem is null, TimeSpan.FromSeconds(0.5));
        Assert.True(_fixture.Store.Time.GetUtcNow() < first.NotAfter);
    }

    [Fact]
    public async Task ServerSvid_IsRenewedBetweenFourAndSixTenthsOfItsLife()
    {
        await _fixture.StartAsync();
        var (first, end) = (_fixture.Server.Context, _fixture.Server.NotAfter!.Value);

        await _fixture.AdvanceUntilAsync(() => _fixture.Server.Context != first, TimeSpan.FromSeconds(10));

        Assert.InRange(
            end - _fixture.Store.Time.GetUtcNow(),
            TimeSpan.FromMinutes(60 * 0.3),
            TimeSpan.FromMinutes(60 * 0.6)
        );
        Assert.True(_fixture.Server.NotAfter > end);
        Assert.Equal(ComponentState.Ok, _fixture.Server.CheckHealth().State);
    }

    [Fact]
    public async Task ServerSvid_RenewalFails_OldOneStaysAndHealthSaysSo()
    {
        await _fixture.StartAsync();
        var (first, end) = (_fixture.Server.Context, _fixture.Server.NotAfter!.Value);
        _fixture.Ledger.IntentsFail = new(ErrorKind.Unavailable, "the ledger is away");

        await _fixture.AdvanceUntilAsync(
            () => _fixture.Server.CheckHealth().State == ComponentState.Degraded,
            TimeSpan.FromSeconds(10)
        );
        Assert.Same(first, _fixture.Server.Context);
        Assert.Equal(
            $"the server's certificate ends at {end:u} and could not be renewed: the ledger is away",
            _fixture.Server.CheckHealth().Problem
        );

        await _fixture.AdvanceUntilAsync(
            () => _fixture.Server.CheckHealth().State == ComponentState.Down,
            TimeSpan.FromSeconds(10)
        );
        Assert.True(_fixture.Store.Time.GetUtcNow() >= end);

        _fixture.Ledger.IntentsFail = null;
        await _fixture.AdvanceUntilAsync(
            () => _fixture.Server.CheckHealth().State == ComponentState.Ok,
            TimeSpan.FromSeconds(5)
        );
        Assert.NotSame(first, _fixture.Server.Context);
    }
}
