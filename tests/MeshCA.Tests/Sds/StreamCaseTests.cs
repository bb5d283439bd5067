using Grpc.Core;
using MeshCA.Protos.Envoy.Config.Core.V3;
using MeshCA.Protos.Envoy.Service.Discovery.V3;
using MeshCA.Protos.Envoy.Type.V3;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Sds;

/// <summary>The stream cases of Vectors/sds-v3.json, named after them, and what else holds for one stream.</summary>
public sealed class StreamCaseTests : IAsyncLifetime
{
    private SdsHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await SdsHost.StartAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Stream_SvidRotates_SecondResponseUnasked()
    {
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);
        await stream.AskAsync(SdsHost.Workload);
        var first = await stream.NextAsync();

        var rotated = _host.Own.Identity("/workload");
        _host.SetIdentities(rotated);

        SecretText.IsIdentity(rotated, (await stream.NextSecretsAsync())[SdsHost.Workload]);
        Assert.NotEqual(first.VersionInfo, stream.Last!.VersionInfo);
        Assert.NotEqual(first.Nonce, stream.Last.Nonce);
    }

    [Fact]
    public async Task Stream_LaterRequestWithoutNode_NodeIsRemembered()
    {
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);
        var old = new BuildVersion
        {
            Version = new SemanticVersion { MajorNumber = 1, MinorNumber = 17 },
        };
        await stream.AskAsync(new Node { Id = "n", UserAgentBuildVersion = old }, SdsHost.Workload);
        await stream.NextAsync();
        await stream.AckAsync(SdsHost.Workload, SdsHost.OwnBundle);

        var secrets = await stream.NextSecretsAsync();

        Assert.NotNull(secrets[SdsHost.OwnBundle].ValidationContext.TrustedCa);
    }

    [Fact]
    public async Task Stream_Nack_NothingUntilTheSvidChanges()
    {
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);
        await stream.AskAsync(SdsHost.Workload);
        await stream.NextAsync();

        await stream.NackAsync("will not do", SdsHost.Workload);
        await stream.QuietAsync();

        var rotated = _host.Own.Identity("/workload");
        _host.SetIdentities(rotated);
        SecretText.IsIdentity(rotated, (await stream.NextSecretsAsync())[SdsHost.Workload]);
    }

    [Fact]
    public async Task Stream_RequestBeforeData_AnsweredWhenDataArrives()
    {
        var snapshot = _host.Source.Feed.Current;
        _host.Source.Feed.Set(null);
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);
        await stream.AskAsync(SdsHost.Workload);
        await stream.QuietAsync();

        _host.Source.Feed.Set(snapshot);

        Assert.Equal([SdsHost.Workload], (await stream.NextSecretsAsync()).Keys);
    }

    [Fact]
    public async Task Stream_SubscriptionChanges_ResponseWithTheNewNamesOnly()
    {
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);
        await stream.AskAsync(SdsHost.Workload);
        await stream.NextAsync();
        await stream.AckAsync(SdsHost.Workload);
        await stream.QuietAsync();

        await stream.AckAsync(SdsHost.OwnBundle);

        Assert.Equal([SdsHost.OwnBundle], (await stream.NextSecretsAsync()).Keys);
    }

    [Fact]
    public async Task Stream_StaleNonce_RequestAndItsNamesIgnored()
    {
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);
        await stream.AskAsync(SdsHost.Workload);
        await stream.NextAsync();
        var rotated = _host.Own.Identity("/workload");
        _host.SetIdentities(rotated);
        SecretText.IsIdentity(rotated, (await stream.NextSecretsAsync())[SdsHost.Workload]);

        await stream.SendAsync(new DiscoveryRequest { ResponseNonce = "FOO" }, SdsHost.OwnBundle);
        await stream.QuietAsync();
        await stream.AckAsync(SdsHost.Workload);
        await stream.QuietAsync();

        var third = _host.Own.Identity("/workload");
        _host.SetIdentities(third);
        SecretText.IsIdentity(third, (await stream.NextSecretsAsync())[SdsHost.Workload]);
    }

    [Theory]
    [InlineData(ErrorKind.Unavailable, StatusCode.Unavailable)]
    [InlineData(ErrorKind.PermissionDenied, StatusCode.PermissionDenied)]
    [InlineData(ErrorKind.ResourceExhausted, StatusCode.ResourceExhausted)]
    public async Task Stream_CallerIsRefused_EndsWithThatStatus(ErrorKind kind, StatusCode expected)
    {
        _host.Source.Failure = new MeshCaException(kind, "no such caller");
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);

        Assert.Equal(new Status(expected, "no such caller"), (await stream.EndAsync()).WithoutException());
    }

    [Fact]
    public async Task Any_AttestationFails_Unavailable()
    {
        var ct = TestContext.Current.CancellationToken;
        _host.Source.Failure = new IOException("of no interest to the caller");
        var expected = new Status(StatusCode.Unavailable, "workload attestation failed");

        Assert.Equal(expected, (await _host.OpenSotw(ct).EndAsync()).WithoutException());
        Assert.Equal(expected, (await _host.OpenDelta(ct).EndAsync()).WithoutException());
        var fetch = await Assert.ThrowsAsync<RpcException>(async () =>
            await _host.Connect().FetchSecretsAsync(new DiscoveryRequest(), cancellationToken: ct)
        );
        Assert.Equal(expected, fetch.Status.WithoutException());
    }

    [Fact]
    public async Task Stream_ClientCloses_EndsWithOk()
    {
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);
        await stream.AskAsync(SdsHost.Workload);
        await stream.NextAsync();

        await stream.CompleteAsync();

        Assert.Equal(StatusCode.OK, (await stream.EndAsync()).StatusCode);
        await Eventually.TrueAsync(() => _host.Source.Feed.Subscribers == 0);
    }

    [Fact]
    public async Task Stream_ClientCancels_IsForgottenWithoutAnError()
    {
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);
        await stream.AskAsync(SdsHost.Workload);
        await stream.NextAsync();

        stream.Cancel();

        await Eventually.TrueAsync(() => _host.Source.Feed.Subscribers == 0);
        _host.NoWarnings();
    }

    [Fact]
    public async Task Stream_HostStops_EndsAtOnce()
    {
        var ct = TestContext.Current.CancellationToken;
        var stream = _host.OpenSotw(ct);
        await stream.AskAsync(SdsHost.Workload);
        await stream.NextAsync();

        var stopped = _host.StopAsync(ct);

        Assert.NotEqual(StatusCode.OK, (await stream.EndAsync()).StatusCode);
        await stopped.WaitAsync(TimeSpan.FromSeconds(10), ct);
    }

    [Fact]
    public async Task Fetch_FeedNotInSync_Unavailable()
    {
        _host.Source.Feed.Set(null);

        var e = await Assert.ThrowsAsync<RpcException>(async () =>
            await _host
                .Connect()
                .FetchSecretsAsync(new DiscoveryRequest(), cancellationToken: TestContext.Current.CancellationToken)
        );

        Assert.Equal(StatusCode.Unavailable, e.StatusCode);
    }

    [Fact]
    public async Task Stream_FirstMessageOfAnEnvoy_IsTaken()
    {
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);
        var node = new Node { Id = new string('i', 700 * 1024), Cluster = "c" };

        await stream.AskAsync(node, SdsHost.Workload);

        await stream.NextAsync();
    }

    [Fact]
    public async Task Stream_MessageAboveOneMebibyte_ResourceExhausted()
    {
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);

        try
        {
            await stream.AskAsync(new Node { Id = new string('i', 1024 * 1024) }, SdsHost.Workload);
        }
        catch (RpcException)
        {
            // The server may end the stream before it has taken all of the message.
        }

        Assert.Equal(StatusCode.ResourceExhausted, (await stream.EndAsync()).StatusCode);
    }

    [Fact]
    public async Task Stream_TooManyNames_InvalidArgument()
    {
        var stream = _host.OpenSotw(TestContext.Current.CancellationToken);

        await stream.AskAsync([.. Enumerable.Range(0, 10_001).Select(i => $"name-{i}")]);

        Assert.Equal(StatusCode.InvalidArgument, (await stream.EndAsync()).StatusCode);
    }
}
