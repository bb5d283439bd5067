using MeshCA.Spiffe;
using MeshCA.Tests.Ca.Store;

namespace MeshCA.Tests.Ca.Bundles;

public sealed class BundleRegistryTests
{
    private static readonly TrustDomain _own = TrustDomain.Parse("example.org");
    private static readonly TrustDomain _other = TrustDomain.Parse("other.org");

    [Fact]
    public async Task PublishOwn_ChangedContent_TakesTheNextSequenceAlsoAfterARestart()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        await fixture.Bundles.PublishOwnAsync([new byte[] { 1 }], [], ct);
        var same = await fixture.Bundles.PublishOwnAsync([new byte[] { 1 }], [], ct);
        await fixture.ReopenAsync(ct);
        var unchanged = await fixture.Bundles.PublishOwnAsync([new byte[] { 1 }], [], ct);

        var changed = await fixture.Bundles.PublishOwnAsync([new byte[] { 1 }, new byte[] { 2 }], [], ct);

        Assert.Equal(1ul, same.SequenceNumber);
        Assert.Equal(1ul, unchanged.SequenceNumber);
        Assert.Equal(2ul, changed.SequenceNumber);
        Assert.Equal(changed, fixture.Bundles.Own);
    }

    [Fact]
    public async Task Own_NotYetPublished_IsUnavailable()
    {
        await using var fixture = new StoreFixture();

        Assert.Equal(ErrorKind.Unavailable, Assert.Throws<MeshCaException>(() => fixture.Bundles.Own).Kind);
    }

    [Fact]
    public async Task SetFederated_IsThereAfterARestartAndGoneOnceDeleted()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        var bundle = new TrustBundle(
            _other,
            [new byte[] { 1, 2 }],
            [new JwtAuthority("k", new byte[] { 3 })],
            7,
            TimeSpan.FromMinutes(5)
        );
        await fixture.Bundles.SetFederatedAsync(bundle, dryRun: false, ct);
        await fixture.ReopenAsync(ct);
        Assert.Equal(bundle, fixture.Bundles.Get(_other));

        await fixture.Bundles.DeleteFederatedAsync(_other, dryRun: false, ct);

        Assert.Null(fixture.Bundles.Find(_other));
        var error = await Assert.ThrowsAsync<MeshCaException>(() =>
            fixture.Bundles.DeleteFederatedAsync(_other, dryRun: false, ct)
        );
        Assert.Equal(ErrorKind.NotFound, error.Kind);
    }

    [Fact]
    public async Task SetFederated_SameContent_IsNoChange()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        var bundle = new TrustBundle(_other, [new byte[] { 1 }]);
        await fixture.Bundles.SetFederatedAsync(bundle, dryRun: false, ct);

        await fixture.Bundles.SetFederatedAsync(new TrustBundle(_other, [new byte[] { 1 }]), dryRun: false, ct);

        Assert.Empty(
            Assert.IsType<IReadOnlyCollection<MeshCA.Ca.Store.ChangeKey>>(
                await fixture.Store.ReadChangesAsync(1, ct),
                exactMatch: false
            )
        );
    }

    [Fact]
    public async Task SetFederated_OwnOrEmptyOrTooLarge_IsRefused()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        TrustBundle[] bad =
        [
            new(_own, [new byte[] { 1 }]),
            new(_other, []),
            new(_other, [new byte[300_000]]),
            new(_other, [.. Enumerable.Range(0, 101).Select(i => new ReadOnlyMemory<byte>([(byte)i]))]),
        ];

        foreach (var bundle in bad)
        {
            var error = await Assert.ThrowsAsync<MeshCaException>(() =>
                fixture.Bundles.SetFederatedAsync(bundle, dryRun: false, ct)
            );
            Assert.Equal(ErrorKind.Malformed, error.Kind);
        }

        Assert.Empty(fixture.Bundles.List(after: null, 10).Items);
    }
}
