using MeshCA.Ca;
using MeshCA.Ca.AgentApi;
using MeshCA.Ca.Rest;

namespace MeshCA.Hosting;

/// <summary>The CA as a process: the agents' gRPC port, the admin socket, management.</summary>
internal static class ServerHost
{
    private const UnixFileMode Passable =
        UnixFileMode.UserRead
        | UnixFileMode.UserWrite
        | UnixFileMode.UserExecute
        | UnixFileMode.GroupExecute
        | UnixFileMode.OtherExecute;

    /// <summary>Opens the data directory and builds the host, not yet started.</summary>
    public static IHost Build(ServerOptions options, LogLevel logLevel)
    {
        if (options.AdminSocketUids.IsEmpty)
        {
            DataDirectory.Open(options.DataDir);
        }
        else
        {
            // Whoever is on the list must get as far as the socket; all files in there are for the owner alone.
            DataDirectory.Open(options.DataDir, Passable);
        }

        return HostFactory.Build(
            logLevel,
            services =>
            {
                services.AddCa(options);
                services.AddAdminApi();
                services.AddHostedService<StartMemory>();
                AdminSocket.UseBind(services, options);
                Management.AddServices(services, options.Management);
            },
            kestrel =>
            {
                // A stream of an agent may be silent for hours; HTTP/2 keepalive finds those that are gone.
                kestrel.Limits.MinRequestBodyDataRate = null;
                kestrel.Limits.MinResponseDataRate = null;
                kestrel.Listen(
                    options.Listen,
                    listen =>
                    {
                        listen.Mark(Listener.AgentApi);
                        listen.ApplicationServices.GetRequiredService<CaTls>().Configure(listen);
                    }
                );
                AdminSocket.Listen(kestrel, options);
                Management.Listen(kestrel, options.Management);
            },
            app => Map(app, options)
        );
    }

    private static void Map(IApplicationBuilder app, ServerOptions options)
    {
        var readiness = app.ApplicationServices.GetRequiredService<CaReadiness>();
        app.OnListener(
            Listener.AgentApi,
            static branch =>
            {
                branch.UseRouting();
                branch.UseEndpoints(static endpoints => endpoints.MapAgentApi());
            }
        );
        app.OnListener(
            Listener.Admin,
            branch =>
            {
                AdminSocket.RequireListedUid(branch, options);
                branch.UseRouting();
                branch.UseEndpoints(static endpoints => endpoints.MapAdminApi());
            }
        );
        Management.Map(app, () => Report(readiness));
    }

    private static ReadinessReport Report(CaReadiness readiness) =>
        new(
            readiness.IsReady,
            [
                .. readiness.Components.Select(static c => new ReadinessComponent(
                    c.Name,
                    c.State switch
                    {
                        ComponentState.Ok => ReadinessReport.Ok,
                        ComponentState.Starting => "starting",
                        ComponentState.Degraded => "degraded",
                        _ => "down",
                    },
                    c.Problem
                )),
            ]
        );
}
