using System.Collections.Frozen;
using System.Net.Sockets;
using System.Security.Claims;
using MeshCA.Ca;
using MeshCA.Ca.Rest;
using MeshCA.NodeAgent;
using MeshCA.NodeAgent.Peers;
using MeshCA.Spiffe;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace MeshCA.Hosting;

/// <summary>The server's admin socket: who connects is known by the kernel's word, and must be on the list.</summary>
internal static class AdminSocket
{
    private const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>With other uids on the list the file lets everybody connect, and the list alone decides.</summary>
    private const UnixFileMode Listed =
        Own | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    public static void Listen(KestrelServerOptions kestrel, ServerOptions options) =>
        kestrel.ListenUnixSocket(
            options.AdminSocketPath,
            static listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.Mark(Listener.Admin);
                listen.Use(static next =>
                    connection =>
                    {
                        var socket = connection.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket;
                        connection.Features.Set(new CallerUid(PeerCredentials.Read(socket).Uid));
                        return next(connection);
                    }
                );
            }
        );

    public static void UseBind(IServiceCollection services, ServerOptions options) =>
        services.Configure<SocketTransportOptions>(transport =>
        {
            var others = transport.CreateBoundListenSocket;
            var mode = options.AdminSocketUids.IsEmpty ? Own : Listed;
            transport.CreateBoundListenSocket = endPoint =>
                endPoint is UnixDomainSocketEndPoint && endPoint.ToString() == options.AdminSocketPath
                    ? AgentSocket.Bind(options.AdminSocketPath, mode, "dataDir")
                    : others(endPoint);
        });

    /// <summary>Lets the listed uids through, by name; all others get 403.</summary>
    public static void RequireListedUid(IApplicationBuilder app, ServerOptions options)
    {
        var allowed = options.AdminSocketUids.Append(OwnProcess.Uid).ToFrozenSet();
        app.Use(next =>
            context =>
            {
                var caller = context.Features.GetRequiredFeature<CallerUid>();
                if (!allowed.Contains(caller.Uid))
                {
                    return context.WriteProblemAsync(
                        ErrorKind.PermissionDenied,
                        $"uid {caller.Uid} may not use the admin socket; add it to admin.socketUids"
                    );
                }

                context.User = caller.Principal;
                return next(context);
            }
        );
    }

    private sealed record CallerUid(uint Uid)
    {
        /// <summary>As the audit log names it.</summary>
        public ClaimsPrincipal Principal { get; } =
            new(new ClaimsIdentity([new Claim(ClaimTypes.Name, $"uid:{Uid}")], "unix"));
    }
}
