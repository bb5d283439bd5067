using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshCA.Hosting;

/// <summary>
/// Hosts made of what they need: no configuration sources, so that neither an environment variable nor a file in the working
/// directory opens a listener; and no signal handling, which is the command's.
/// </summary>
internal static class HostFactory
{
    /// <summary>Streams are told to end and clients come back; who has not gone then is cut.</summary>
    private static readonly TimeSpan _shutdownTimeout = TimeSpan.FromSeconds(5);

    public static IHost Build(
        LogLevel logLevel,
        Action<IServiceCollection> services,
        Action<KestrelServerOptions> listeners,
        Action<IApplicationBuilder> pipeline
    ) =>
        new HostBuilder()
            .ConfigureLogging(logging => logging.AddStderr(logLevel))
            .ConfigureWebHost(
                web =>
                    web.UseKestrelCore()
                        .ConfigureKestrel(kestrel =>
                        {
                            kestrel.AddServerHeader = false;
                            listeners(kestrel);
                        })
                        .ConfigureServices(collection =>
                        {
                            collection.AddRoutingCore();
                            collection.Configure<HostOptions>(static o => o.ShutdownTimeout = _shutdownTimeout);
                            services(collection);
                            collection.AddSingleton<IHostLifetime, NoLifetime>();
                        })
                        .Configure(pipeline),
                static web => web.SuppressEnvironmentConfiguration = true
            )
            .Build();

    /// <summary>The command starts and stops the host; the host itself listens to nobody.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
