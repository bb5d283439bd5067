using MeshCA.NodeAgent;

namespace MeshCA.Hosting;

/// <summary>The node agent as a process: its socket, management.</summary>
internal static class AgentHost
{
    /// <summary>Opens the data directory and builds the host, not yet started.</summary>
    public static IHost Build(AgentOptions options, LogLevel logLevel)
    {
        DataDirectory.Open(options.DataDir);
        return HostFactory.Build(
            logLevel,
            services =>
            {
                services.AddNodeAgent(options);
                Management.AddServices(services, options.Management);
            },
            kestrel =>
            {
                AgentSocket.Configure(kestrel, options);
                Management.Listen(kestrel, options.Management);
            },
            app =>
            {
                var status = app.ApplicationServices.GetRequiredService<AgentStatus>();
                Management.Map(app, () => Report(status.GetReadiness()));

                // Every other connection came through the agent's socket: there is no third listener.
                app.UseRouting();
                app.UseEndpoints(static endpoints => endpoints.MapNodeAgent());
            }
        );
    }

    private static ReadinessReport Report(AgentReadiness readiness) =>
        new(
            readiness.Ready,
            [.. readiness.Components.Select(static c => new ReadinessComponent(c.Name, c.Status, c.Detail))]
        );
}
