using MeshCA.Ca.AgentApi;
using MeshCA.Ca.Store;
using MeshCA.Spiffe;
using MeshCA.Tests.Ca.Store;

namespace MeshCA.Tests.Ca.AgentApi;

public sealed class AgentSubscriptionTests
{
    private static readonly SpiffeId _agent = SpiffeId.Parse("spiffe://example.org/meshca/agent/join_token/1");

    [Fact]
    public async Task Mark_MoreNamesThanAreKept_BecomesASnapshot()
    {
        await using var fixture = new StoreFixture();
        using var subscription = new AgentFeed(fixture.Entries, fixture.Bundles).Subscribe(_agent);

        for (var i = 1; i <= 10_001; i++)
        {
            subscription.MarkEntry($"{i}", i);
        }

        var pending = subscription.Take();
        Assert.True(pending.Snapshot);
        Assert.Empty(pending.Entries);
        Assert.Equal(10_001, pending.Revision);
        Assert.False(subscription.Take().Snapshot);
    }

    [Fact]
    public async Task Mark_SameNameAgain_IsOneName()
    {
        await using var fixture = new StoreFixture();
        using var subscription = new AgentFeed(fixture.Entries, fixture.Bundles).Subscribe(_agent);

        for (var i = 1; i <= 100; i++)
        {
            subscription.MarkEntry("e", i);
            subscription.MarkBundle(TrustDomain.Parse("a.org"), i);
        }

        var pending = subscription.Take();
        Assert.Equal(["e"], pending.Entries);
        Assert.Single(pending.Bundles);
    }

    [Fact]
    public async Task MarkMissed_NotKnown_IsASnapshotWhateverWasMarkedMeanwhile()
    {
        await using var fixture = new StoreFixture();
        using var subscription = new AgentFeed(fixture.Entries, fixture.Bundles).Subscribe(_agent);
        subscription.MarkEntry("e", 1);

        subscription.MarkMissed(changes: null);

        Assert.True(subscription.Take().Snapshot);
    }

    [Fact]
    public async Task MarkMissed_Known_JoinsWhatWasMarkedMeanwhile()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var fixture = new StoreFixture();
        using var subscription = new AgentFeed(fixture.Entries, fixture.Bundles).Subscribe(_agent);
        subscription.MarkEntry("new", 9);

        subscription.MarkMissed([new(ChangeKind.Entry, "old"), new(ChangeKind.Bundle, "a.org")]);

        await subscription.WaitAsync(ct);
        var pending = subscription.Take();
        Assert.Equal(["new", "old"], pending.Entries.Order(StringComparer.Ordinal));
        Assert.Equal(["a.org"], pending.Bundles.Select(trustDomain => trustDomain.Name));
        Assert.Equal(9, pending.Revision);
    }
}
