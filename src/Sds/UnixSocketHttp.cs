using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshCA.Sds;

/// <summary>What Kestrel needs to be a gRPC server on a Unix socket for Envoys and other clients.</summary>
public static class UnixSocketHttp
{
    /// <summary>On one connection, besides which a client may have some calls that are not streams.</summary>
    private const int StreamsPerConnection = 2_048;

    /// <summary>To be called for the agent socket's host only: it accepts any <c>:authority</c>.</summary>
    public static void Configure(KestrelServerOptions options)
    {
        options.RequestHeaderEncodingSelector = static name => name == ":authority" ? AuthorityEncoding.Instance : null;

        // Some clients say https over a plain Unix socket.
        options.AllowAlternateSchemes = true;
        options.AddServerHeader = false;
        options.ConfigureEndpointDefaults(static l => l.Protocols = HttpProtocols.Http2);

        var limits = options.Limits;
        limits.Http2.MaxStreamsPerConnection = StreamsPerConnection;

        // A discovery stream may be silent for weeks; a dead peer of a Unix socket is known to the kernel.
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        limits.MaxRequestBodySize = null;
    }
}
