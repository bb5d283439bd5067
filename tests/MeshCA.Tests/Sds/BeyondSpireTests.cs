using Grpc.Core;
using MeshCA.Protos.Envoy.Extensions.TransportSockets.Tls.V3;
using MeshCA.Protos.Envoy.Service.Discovery.V3;
using MeshCA.Sds;

namespace MeshCA.Tests.Sds;

/// <summary>The cases of Vectors/sds-v3.json where we do better than SPIRE, on purpose.</summary>
public sealed class BeyondSpireTests : IAsyncLifetime
{
    private SdsHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await SdsHost.StartAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    [Theory]
    [InlineData("ROOTCA", SdsHost.OwnBundle)]
    [InlineData("ALL", "ROOTCA", SdsHost.OwnBundle)]
    [InlineData("default", SdsHost.Workload)]
    public async Task Aliases_Together_AllServed(params string[] names)
    {
        var ct = TestContext.Current.CancellationToken;
        var stream = _host.OpenSotw(ct);
        await stream.AskAsync(names);

        Assert.Equal(
            names.Order(StringComparer.Ordinal),
            (await stream.NextSecretsAsync()).Keys,
            StringComparer.Ordinal
        );

        var request = new DiscoveryRequest();
        request.ResourceNames.Add(names);
        var fetched = await _host.Connect().FetchSecretsAsync(request, cancellationToken: ct);
        Assert.Equal(names.Length, SotwClient.Secrets(fetched).Count);
    }

    [Fact]
    public async Task DuplicateNames_AreASet()
    {
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);
        await stream.AskAsync(SdsHost.Workload, SdsHost.Workload);
        Assert.Single((await stream.NextAsync()).Resources);

        await stream.AckAsync(SdsHost.Workload);

        await stream.QuietAsync();
    }

    [Theory]
    [InlineData("spiffe://domain.test/WHATEVER")]
    [InlineData("file-root:system")]
    [InlineData("file-cert:/etc/certs/cert.pem~/etc/certs/key.pem")]
    public async Task UnknownName_WithAKnownOne_KnownServedAndUnknownHeld(string unknown)
    {
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);

        await stream.AskAsync(unknown, SdsHost.Workload);

        Assert.Equal([SdsHost.Workload], (await stream.NextSecretsAsync()).Keys);
        await stream.QuietAsync();
    }

    [Fact]
    public async Task UnknownName_Appears_PushedAtOnce()
    {
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);
        await stream.AskAsync("spiffe://domain.test/WHATEVER");
        await stream.QuietAsync();

        var late = _host.Own.Identity("/WHATEVER");
        _host.SetIdentities(_host.Own.Identity("/workload"), late);

        SecretText.IsIdentity(late, Assert.Single(await stream.NextSecretsAsync()).Value);
    }

    [Fact]
    public async Task Fetch_OneNameUnknown_KnownServed()
    {
        var request = new DiscoveryRequest { ResourceNames = { "file-root:system", SdsHost.Workload } };

        var response = await _host
            .Connect()
            .FetchSecretsAsync(request, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal([SdsHost.Workload], SotwClient.Secrets(response).Keys);
    }

    [Fact]
    public async Task IdentityWithdrawn_RestIsSentAndTheStreamStays()
    {
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);
        await stream.AskAsync(SdsHost.Workload, SdsHost.OwnBundle);
        await stream.NextAsync();
        await stream.AckAsync(SdsHost.Workload, SdsHost.OwnBundle);

        _host.SetIdentities();

        Assert.Equal([SdsHost.OwnBundle], (await stream.NextSecretsAsync()).Keys);
        await stream.AckAsync(SdsHost.Workload, SdsHost.OwnBundle);
        _host.SetIdentities(_host.Own.Identity("/workload"));
        Assert.Equal(2, (await stream.NextSecretsAsync()).Count);
    }

    [Fact]
    public async Task IdentityAwaited_NothingIsSentAndDefaultStaysItsOwn()
    {
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);
        await stream.AskAsync("default", SdsHost.OwnBundle);
        await stream.NextAsync();
        await stream.AckAsync("default", SdsHost.OwnBundle);

        var current = _host.Source.Feed.Current!;
        _host.Source.Feed.Set(
            new SecretSnapshot
            {
                Identities = [_host.Own.Identity("/second")],
                Bundle = current.Bundle,
                FederatedBundles = current.FederatedBundles,
                Awaited = [current.Identities[0].SpiffeId],
                DefaultAwaited = true,
            }
        );

        await stream.QuietAsync();
    }

    [Theory]
    [InlineData("type.googleapis.com/envoy.config.cluster.v3.Cluster")]
    [InlineData("nonsense")]
    public async Task TypeUrl_OfAnotherType_InvalidArgument(string typeUrl)
    {
        var ct = TestContext.Current.CancellationToken;
        var stream = _host.OpenSotw(ct);
        await stream.SendAsync(new DiscoveryRequest { TypeUrl = typeUrl }, SdsHost.Workload);
        Assert.Equal(StatusCode.InvalidArgument, (await stream.EndAsync()).StatusCode);

        var delta = _host.OpenDelta(ct);
        await delta.SendAsync(new DeltaDiscoveryRequest { TypeUrl = typeUrl }, SdsHost.Workload);
        Assert.Equal(StatusCode.InvalidArgument, (await delta.EndAsync()).StatusCode);

        var fetch = await Assert.ThrowsAsync<RpcException>(async () =>
            await _host.Connect().FetchSecretsAsync(new DiscoveryRequest { TypeUrl = typeUrl }, cancellationToken: ct)
        );
        Assert.Equal(StatusCode.InvalidArgument, fetch.StatusCode);
    }

    [Fact]
    public async Task UnrelatedChange_NothingIsResent()
    {
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);
        await stream.AskAsync("ROOTCA");
        await stream.NextAsync();

        _host.SetIdentities(_host.Own.Identity("/workload"), _host.Own.Identity("/second"));

        await stream.QuietAsync();
    }

    [Fact]
    public async Task NamesDropped_NothingIsResent()
    {
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);
        await stream.AskAsync("ROOTCA", SdsHost.Workload);
        await stream.NextAsync();

        await stream.AckAsync(SdsHost.Workload);

        await stream.QuietAsync();
        _host.SetIdentities(_host.Own.Identity("/workload"));
        Assert.Equal([SdsHost.Workload], (await stream.NextSecretsAsync()).Keys);
    }

    [Fact]
    public async Task AllNamesDropped_IsNoWildcard()
    {
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);
        await stream.AskAsync(SdsHost.Workload);
        await stream.NextAsync();

        await stream.AckAsync();
        await stream.QuietAsync();
        _host.SetIdentities(_host.Own.Identity("/workload"));

        await stream.QuietAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Inbound_CarriesTheTrustDomainsPeersOnly(bool plainRoots)
    {
        await using var host = await SdsHost.StartAsync(
            TestContext.Current.CancellationToken,
            new SdsOptions { DisableSpiffeCertValidation = plainRoots }
        );
        var stream = host.OpenSotw(TestContext.Current.CancellationToken);

        await stream.AskAsync("meshca:inbound");

        var context = (await stream.NextSecretsAsync())["meshca:inbound"].ValidationContext;
        var matcher = Assert.Single(context.MatchTypedSubjectAltNames);
        Assert.Equal(SubjectAltNameMatcher.Types.SanType.Uri, matcher.SanType);
        Assert.Equal("spiffe://domain.test/", matcher.Matcher.Prefix);
        Assert.Equal(plainRoots, context.TrustedCa is not null);
        Assert.Equal(!plainRoots, context.CustomValidatorConfig is not null);
    }
}
