using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshCA.NodeAgent.Peers;

/// <summary>Kestrel's side of peer credentials.</summary>
public static class PeerConnections
{
    /// <summary>Reads and pins the peer of each connection and puts an <see cref="IPeerFeature"/> on it; refuses what is no Unix socket.</summary>
    public static IConnectionBuilder UsePeerCredentials(this IConnectionBuilder builder)
    {
        var limits =
            builder.ApplicationServices.GetService<PeerLimits>() ?? new PeerLimits(NullLogger<PeerLimits>.Instance);
        return builder.Use(next => connection => RunAsync(connection, next, limits));
    }

    private static async Task RunAsync(ConnectionContext connection, ConnectionDelegate next, PeerLimits limits)
    {
        Peer? peer;
        try
        {
            peer = connection.Features.Get<IConnectionSocketFeature>() is { } feature ? Peer.Of(feature.Socket) : null;
        }
        catch (SocketException)
        {
            peer = null;
        }

        if (peer is null)
        {
            connection.Abort(new ConnectionAbortedException("the connection has no peer credentials"));
            return;
        }

        using (peer)
        {
            if (!limits.TryAddConnection(peer.Credentials.Uid))
            {
                connection.Abort(new ConnectionAbortedException("the uid holds too many connections"));
                return;
            }

            try
            {
                connection.Features.Set<IPeerFeature>(new PeerFeature(peer));
                await next(connection);
            }
            finally
            {
                limits.RemoveConnection(peer.Credentials.Uid);
            }
        }
    }

    private sealed record PeerFeature(Peer Peer) : IPeerFeature;
}
