using Grpc.Core;
using MeshCA.Protos.Envoy.Service.Discovery.V3;
using MeshCA.Sds;

namespace MeshCA.Tests.Sds;

/// <summary>Incremental streams, by the xDS protocol and by what Envoy does with removals.</summary>
public sealed class DeltaTests : IAsyncLifetime
{
    private SdsHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await SdsHost.StartAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Subscribe_KnownAndUnknown_KnownSentUnknownHeld()
    {
        var stream = _host.OpenDelta(TestContext.Current.CancellationToken);
        await stream.SubscribeAsync(SdsHost.Workload, "spiffe://domain.test/late");

        Assert.Equal([SdsHost.Workload], (await stream.NextSecretsAsync()).Keys);
        Assert.Empty(stream.Last!.RemovedResources);
        await stream.AckAsync();
        await stream.QuietAsync();

        var late = _host.Own.Identity("/late");
        _host.SetIdentities(_host.Source.Feed.Current!.Identities[0], late);
        SecretText.IsIdentity(late, Assert.Single(await stream.NextSecretsAsync()).Value);
    }

    [Fact]
    public async Task Subscribe_Nothing_Everything()
    {
        var stream = _host.OpenDelta(TestContext.Current.CancellationToken);
        await stream.SubscribeAsync();

        Assert.Equal(
            [SdsHost.OwnBundle, SdsHost.OtherBundle, SdsHost.Workload],
            (await stream.NextSecretsAsync()).Keys,
            StringComparer.Ordinal
        );

        _host.SetIdentities(_host.Source.Feed.Current!.Identities[0], _host.Own.Identity("/second"));
        Assert.Equal(["spiffe://domain.test/second"], (await stream.NextSecretsAsync()).Keys);
    }

    [Fact]
    public async Task Change_OfOne_OnlyItIsSent()
    {
        var stream = _host.OpenDelta(TestContext.Current.CancellationToken);
        await stream.SubscribeAsync(SdsHost.Workload, "ROOTCA", "default");
        Assert.Equal(3, (await stream.NextAsync()).Resources.Count);
        await stream.AckAsync();

        var rotated = _host.Own.Identity("/workload");
        _host.SetIdentities(rotated);

        var secrets = await stream.NextSecretsAsync();
        Assert.Equal(["default", SdsHost.Workload], secrets.Keys);
        SecretText.IsIdentity(rotated, secrets["default"]);
    }

    [Fact]
    public async Task Change_OfNothingAskedFor_Quiet()
    {
        var stream = _host.OpenDelta(TestContext.Current.CancellationToken);
        await stream.SubscribeAsync("ROOTCA");
        await stream.NextAsync();

        _host.SetIdentities(_host.Own.Identity("/workload"));

        await stream.QuietAsync();
    }

    [Fact]
    public async Task Subscribe_Again_IsAnswered()
    {
        var stream = _host.OpenDelta(TestContext.Current.CancellationToken);
        await stream.SubscribeAsync("ROOTCA");
        await stream.NextAsync();
        await stream.AckAsync();

        await stream.SubscribeAsync("ROOTCA", "default");

        Assert.Equal(["ROOTCA", "default"], (await stream.NextSecretsAsync()).Keys);
    }

    [Fact]
    public async Task Subscribe_WithAStaleNonce_Counts()
    {
        var stream = _host.OpenDelta(TestContext.Current.CancellationToken);
        await stream.SubscribeAsync("ROOTCA");
        await stream.NextAsync();

        await stream.SendAsync(new DeltaDiscoveryRequest { ResponseNonce = "FOO" }, "default");

        Assert.Equal(["default"], (await stream.NextSecretsAsync()).Keys);
    }

    [Fact]
    public async Task Unsubscribe_NoMoreUpdatesAndNoRemoval()
    {
        var stream = _host.OpenDelta(TestContext.Current.CancellationToken);
        await stream.SubscribeAsync("ROOTCA", SdsHost.Workload);
        await stream.NextAsync();
        await stream.AckAsync();

        await stream.UnsubscribeAsync(SdsHost.Workload, "never-heard-of");
        await stream.QuietAsync();
        _host.SetIdentities();
        await stream.QuietAsync();

        // It is a new subscription when it comes back, held since there is no such identity now.
        await stream.SubscribeAsync(SdsHost.Workload);
        await stream.QuietAsync();
    }

    [Fact]
    public async Task Unsubscribe_OfAll_IsNoWildcard()
    {
        var stream = _host.OpenDelta(TestContext.Current.CancellationToken);
        await stream.SubscribeAsync(SdsHost.Workload);
        await stream.NextAsync();

        await stream.UnsubscribeAsync(SdsHost.Workload);
        await stream.QuietAsync();
        _host.SetIdentities(_host.Own.Identity("/workload"));

        await stream.QuietAsync();
    }

    [Fact]
    public async Task Reconnect_WithTheSameVersions_Quiet()
    {
        var stream = _host.OpenDelta(TestContext.Current.CancellationToken);

        await stream.ResumeAsync(await HeldAsync("ROOTCA", "default"), "ROOTCA", "default");

        await stream.QuietAsync();
        Assert.All(_host.Server.GetStatus().Subscriptions, s => Assert.Equal((1, 1), (s.Streams, s.Acked)));
    }

    [Fact]
    public async Task Reconnect_WithAnOldVersion_ThatOneIsSent()
    {
        var held = await HeldAsync("ROOTCA", "default");
        var rotated = _host.Own.Identity("/workload");
        _host.SetIdentities(rotated);
        var stream = _host.OpenDelta(TestContext.Current.CancellationToken);

        await stream.ResumeAsync(held, "ROOTCA", "default");

        SecretText.IsIdentity(rotated, Assert.Single(await stream.NextSecretsAsync()).Value);
    }

    [Fact]
    public async Task Reconnect_HoldsAWithdrawnName_Removed()
    {
        var held = await HeldAsync(SdsHost.Workload, "ROOTCA");
        _host.SetIdentities();
        var stream = _host.OpenDelta(TestContext.Current.CancellationToken);

        await stream.ResumeAsync(held, SdsHost.Workload, "ROOTCA");

        Assert.Equal([SdsHost.Workload], (await stream.NextAsync()).RemovedResources);
        Assert.Empty(stream.Last!.Resources);
    }

    [Fact]
    public async Task Reconnect_FeedNotInSync_NothingIsRemoved()
    {
        var held = await HeldAsync(SdsHost.Workload);
        var snapshot = _host.Source.Feed.Current!;
        _host.Source.Feed.Set(null);
        await Eventually.TrueAsync(() => _host.Source.Feed.Subscribers == 0);
        var stream = _host.OpenDelta(TestContext.Current.CancellationToken);

        await stream.ResumeAsync(held, SdsHost.Workload);
        await stream.QuietAsync();

        _host.Source.Feed.Set(snapshot);
        await stream.QuietAsync();
    }

    [Fact]
    public async Task IdentityWithdrawn_Removed()
    {
        var stream = _host.OpenDelta(TestContext.Current.CancellationToken);
        await stream.SubscribeAsync(SdsHost.Workload, "ROOTCA", "never-there");
        await stream.NextAsync();
        await stream.AckAsync();

        _host.SetIdentities();

        Assert.Equal([SdsHost.Workload], (await stream.NextAsync()).RemovedResources);
        Assert.Empty(stream.Last!.Resources);
        await stream.AckAsync();
        await stream.QuietAsync();
    }

    [Fact]
    public async Task IdentityAwaited_HeldThenRemovedWhenItGoesForGood()
    {
        var stream = _host.OpenDelta(TestContext.Current.CancellationToken);
        await stream.SubscribeAsync(SdsHost.Workload, "default");
        await stream.NextAsync();
        await stream.AckAsync();
        var current = _host.Source.Feed.Current!;

        _host.Source.Feed.Set(
            new SecretSnapshot
            {
                Identities = [],
                Bundle = current.Bundle,
                FederatedBundles = [],
                Awaited = [current.Identities[0].SpiffeId],
                DefaultAwaited = true,
            }
        );
        await stream.QuietAsync();

        _host.SetIdentities();
        Assert.Equal(
            ["default", SdsHost.Workload],
            (await stream.NextAsync()).RemovedResources.Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task Nack_HeldUntilSomethingNewer()
    {
        var stream = _host.OpenDelta(TestContext.Current.CancellationToken);
        await stream.SubscribeAsync(SdsHost.Workload);
        await stream.NextAsync();

        await stream.NackAsync("will not do");
        await stream.QuietAsync();
        Assert.Equal("will not do", Assert.Single(_host.Server.GetStatus().Subscriptions).NackReason);

        var rotated = _host.Own.Identity("/workload");
        _host.SetIdentities(rotated);
        SecretText.IsIdentity(rotated, (await stream.NextSecretsAsync())[SdsHost.Workload]);
        await stream.AckAsync();
        await Eventually.TrueAsync(() => _host.Server.GetStatus().Subscriptions[0] is { Acked: 1, Nacked: 0 });
    }

    [Fact]
    public async Task Ack_OfAnEarlierResponse_CountsForWhatItCarried()
    {
        var stream = _host.OpenDelta(TestContext.Current.CancellationToken);
        await stream.SubscribeAsync("ROOTCA", SdsHost.Workload);
        var first = await stream.NextAsync();
        _host.SetIdentities(_host.Own.Identity("/workload"));
        var second = await stream.NextAsync();

        await stream.SendAsync(new DeltaDiscoveryRequest { ResponseNonce = first.Nonce });
        await Eventually.TrueAsync(() => Acked() is (1, 0));

        await stream.SendAsync(new DeltaDiscoveryRequest { ResponseNonce = second.Nonce });
        await Eventually.TrueAsync(() => Acked() is (1, 1));

        (int Bundle, int Workload) Acked()
        {
            var rows = _host.Server.GetStatus().Subscriptions;
            return (rows.Single(r => r.Name == "ROOTCA").Acked, rows.Single(r => r.Name == SdsHost.Workload).Acked);
        }
    }

    [Fact]
    public async Task Names_MoreThanAStreamMayHave_InvalidArgument()
    {
        var stream = _host.OpenDelta(TestContext.Current.CancellationToken);
        await stream.SubscribeAsync([.. Enumerable.Range(0, 6_000).Select(i => $"a-{i}")]);

        await stream.SubscribeAsync([.. Enumerable.Range(0, 6_000).Select(i => $"b-{i}")]);

        Assert.Equal(StatusCode.InvalidArgument, (await stream.EndAsync()).StatusCode);
    }

    /// <summary>What a client that had these names would say it holds.</summary>
    private async Task<Dictionary<string, string>> HeldAsync(params string[] names)
    {
        var stream = _host.OpenDelta(TestContext.Current.CancellationToken);
        await stream.SubscribeAsync(names);
        var held = (await stream.NextAsync()).Resources.ToDictionary(
            r => r.Name,
            r => r.Version,
            StringComparer.Ordinal
        );
        stream.Cancel();
        return held;
    }
}
