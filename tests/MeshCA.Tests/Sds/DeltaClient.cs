using Grpc.Core;
using MeshCA.Protos.Envoy.Extensions.TransportSockets.Tls.V3;
using MeshCA.Protos.Envoy.Service.Discovery.V3;

namespace MeshCA.Tests.Sds;

/// <summary>One incremental stream, as a client sees it.</summary>
internal sealed class DeltaClient(
    AsyncDuplexStreamingCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse> call,
    CancellationToken ct
)
{
    private Task<bool>? _next;

    public DeltaDiscoveryResponse? Last { get; private set; }

    public Task SubscribeAsync(params string[] names) => SendAsync(new DeltaDiscoveryRequest(), names);

    public Task ResumeAsync(IReadOnlyDictionary<string, string> held, params string[] names)
    {
        var request = new DeltaDiscoveryRequest();
        request.InitialResourceVersions.Add(held.ToDictionary(h => h.Key, h => h.Value, StringComparer.Ordinal));
        return SendAsync(request, names);
    }

    public Task UnsubscribeAsync(params string[] names)
    {
        var request = new DeltaDiscoveryRequest();
        request.ResourceNamesUnsubscribe.Add(names);
        return SendAsync(request);
    }

    public Task AckAsync() => SendAsync(new DeltaDiscoveryRequest { ResponseNonce = Last!.Nonce });

    public Task NackAsync(string reason) =>
        SendAsync(
            new DeltaDiscoveryRequest
            {
                ResponseNonce = Last!.Nonce,
                ErrorDetail = new Google.Rpc.Status { Code = (int)StatusCode.Internal, Message = reason },
            }
        );

    public async Task SendAsync(DeltaDiscoveryRequest request, params string[] subscribe)
    {
        request.TypeUrl = request.TypeUrl.Length > 0 ? request.TypeUrl : SdsHost.TypeUrl;
        request.ResourceNamesSubscribe.Add(subscribe);
        await call.RequestStream.WriteAsync(request, ct);
    }

    public async Task<DeltaDiscoveryResponse> NextAsync()
    {
        Assert.True(await Pending().WaitAsync(TimeSpan.FromSeconds(10), ct), "the stream ended");
        _next = null;
        Last = call.ResponseStream.Current;
        Assert.Equal(SdsHost.TypeUrl, Last.TypeUrl);
        Assert.NotEmpty(Last.SystemVersionInfo);
        Assert.NotEmpty(Last.Nonce);
        Assert.All(Last.Resources, r => Assert.NotEmpty(r.Version));
        return Last;
    }

    public async Task<Dictionary<string, Secret>> NextSecretsAsync() =>
        (await NextAsync()).Resources.ToDictionary(
            r => r.Name,
            r => r.Resource_.Unpack<Secret>(),
            StringComparer.Ordinal
        );

    public async Task QuietAsync() =>
        await Assert.ThrowsAsync<TimeoutException>(() => Pending().WaitAsync(TimeSpan.FromMilliseconds(150), ct));

    public async Task<Status> EndAsync()
    {
        try
        {
            Assert.False(await Pending().WaitAsync(TimeSpan.FromSeconds(10), ct), "the stream did not end");
            return call.GetStatus();
        }
        catch (RpcException e)
        {
            return e.Status;
        }
    }

    public void Cancel() => call.Dispose();

    private Task<bool> Pending() => _next ??= call.ResponseStream.MoveNext(ct);
}
