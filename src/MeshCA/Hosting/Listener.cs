using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshCA.Hosting;

/// <summary>The listeners of a host. What one serves no other does.</summary>
internal enum Listener
{
    /// <summary>The server's gRPC port, mTLS.</summary>
    AgentApi,

    /// <summary>The server's admin socket.</summary>
    Admin,

    /// <summary>The agent's socket.</summary>
    AgentSocket,

    /// <summary>Health and metrics.</summary>
    Management,
}

/// <summary>Marks each connection with the listener it came through, and gives each listener a pipeline of its own.</summary>
internal static class Listeners
{
    public static ListenOptions Mark(this ListenOptions options, Listener listener)
    {
        var mark = new ListenerMark(listener);
        options.Use(next =>
            connection =>
            {
                connection.Features.Set(mark);
                return next(connection);
            }
        );
        return options;
    }

    /// <summary>
    /// Requests of one listener go through <paramref name="pipeline"/> and nowhere else: what it does not serve is 404.
    /// </summary>
    public static IApplicationBuilder OnListener(
        this IApplicationBuilder app,
        Listener listener,
        Action<IApplicationBuilder> pipeline
    ) => app.MapWhen(context => context.Features.Get<ListenerMark>()?.Listener == listener, pipeline);

    private sealed record ListenerMark(Listener Listener);
}
