using Grpc.Core;
using MeshCA.Protos.Envoy.Config.Core.V3;
using MeshCA.Protos.Envoy.Extensions.TransportSockets.Tls.V3;
using MeshCA.Protos.Envoy.Service.Discovery.V3;

namespace MeshCA.Tests.Sds;

/// <summary>One state-of-the-world stream, as a client sees it.</summary>
internal sealed class SotwClient(
    AsyncDuplexStreamingCall<DiscoveryRequest, DiscoveryResponse> call,
    CancellationToken ct
)
{
    private Task<bool>? _next;

    public DiscoveryResponse? Last { get; private set; }

    public Task AskAsync(params string[] names) => SendAsync(new DiscoveryRequest(), names);

    public Task AskAsync(Node node, params string[] names) => SendAsync(new DiscoveryRequest { Node = node }, names);

    /// <summary>Accepts the last response, or changes the names.</summary>
    public Task AckAsync(params string[] names) =>
        SendAsync(new DiscoveryRequest { ResponseNonce = Last!.Nonce, VersionInfo = Last.VersionInfo }, names);

    public Task NackAsync(string reason, params string[] names) =>
        SendAsync(
            new DiscoveryRequest
            {
                ResponseNonce = Last!.Nonce,
                ErrorDetail = new Google.Rpc.Status { Code = (int)StatusCode.Internal, Message = reason },
            },
            names
        );

    public async Task SendAsync(DiscoveryRequest request, params string[] names)
    {
        request.TypeUrl = request.TypeUrl.Length > 0 ? request.TypeUrl : SdsHost.TypeUrl;
        request.ResourceNames.Add(names);
        await call.RequestStream.WriteAsync(request, ct);
    }

    /// <summary>The next response; checks what holds for every one.</summary>
    public async Task<DiscoveryResponse> NextAsync()
    {
        Assert.True(await Pending().WaitAsync(TimeSpan.FromSeconds(10), ct), "the stream ended");
        _next = null;
        Last = call.ResponseStream.Current;
        Assert.Equal(SdsHost.TypeUrl, Last.TypeUrl);
        Assert.NotEmpty(Last.VersionInfo);
        Assert.NotEmpty(Last.Nonce);
        return Last;
    }

    public async Task<Dictionary<string, Secret>> NextSecretsAsync() => Secrets(await NextAsync());

    /// <summary>Nothing comes, and the stream stays open.</summary>
    public async Task QuietAsync() =>
        await Assert.ThrowsAsync<TimeoutException>(() => Pending().WaitAsync(TimeSpan.FromMilliseconds(150), ct));

    /// <summary>How the server ends the stream.</summary>
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

    public Task CompleteAsync() => call.RequestStream.CompleteAsync();

    public void Cancel() => call.Dispose();

    public static Dictionary<string, Secret> Secrets(DiscoveryResponse response) =>
        response.Resources.Select(r => r.Unpack<Secret>()).ToDictionary(s => s.Name, StringComparer.Ordinal);

    private Task<bool> Pending() => _next ??= call.ResponseStream.MoveNext(ct);
}
