using MeshCA.NodeAgent.Attestation;
using MeshCA.NodeAgent.Svids;
using MeshCA.NodeAgent.Views;
using MeshCA.Sds;
using Microsoft.AspNetCore.Http;

namespace MeshCA.NodeAgent;

/// <summary>Gives SDS what the attested caller may have.</summary>
internal sealed class PeerSecretSource(PeerAttestor attestor, IdentityCache cache, TimeProvider time) : ISecretSource
{
    /// <summary>A fetch gets one answer, so that it waits for the first SVIDs of its caller; a stream is sent them when they come.</summary>
    private static readonly TimeSpan _fetchWait = ViewBuilder.FirstWait * 2;

    public async ValueTask<ISecretFeed> AttestAsync(HttpContext connection, CancellationToken ct)
    {
        var view = cache.Open(await attestor.AttestAsync(connection, ct));
        if (connection.Request.Path.Value?.EndsWith("/FetchSecrets", StringComparison.Ordinal) == true)
        {
            var changed = new Signal();
            using var subscription = view.Subscribe(changed.Set);
            var started = time.GetTimestamp();
            while (view.Current is not { IsReady: true } && time.GetElapsedTime(started) < _fetchWait)
            {
                await changed.WaitAsync(_fetchWait, time, ct);
            }
        }

        return view;
    }
}
