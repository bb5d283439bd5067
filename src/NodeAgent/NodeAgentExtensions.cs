using System.Diagnostics.CodeAnalysis;
using MeshCA.NodeAgent.Attestation;
using MeshCA.NodeAgent.Node;
using MeshCA.NodeAgent.Peers;
using MeshCA.NodeAgent.Svids;
using MeshCA.NodeAgent.Sync;
using MeshCA.NodeAgent.WorkloadApi;
using MeshCA.Sds;
using MeshCA.Sds.Grpc;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace MeshCA.NodeAgent;

/// <summary>The node agent as a part of a host: its services, its gRPC face.</summary>
public static class NodeAgentExtensions
{
    /// <summary>Workload API, reflection and health requests are some hundred bytes. SDS has its own bound.</summary>
    private const int MaxRequestLength = 64 * 1024;

    /// <summary>Adds the agent. The host listens by <see cref="AgentSocket.Configure"/> and maps by <see cref="MapNodeAgent"/>.</summary>
    public static IServiceCollection AddNodeAgent(this IServiceCollection services, AgentOptions options)
    {
        services.AddSingleton(options);
        services.TryAddSingleton(TimeProvider.System);
        services.Configure<SocketTransportOptions>(transport => AgentSocket.UseBind(transport, options));

        services.AddSingleton<PeerLimits>();
        services.AddSingleton<IWorkloadAttestor, UnixWorkloadAttestor>();
        services.AddSingleton<PeerAttestor>();

        services.AddSingleton<NodeIdentity>();
        services.AddSingleton<NodeStateFile>();
        services.AddSingleton<BootstrapBundle>();
        services.AddSingleton<ServerChannels>();
        services.AddSingleton<ServerLink>();
        services.AddSingleton<IdentityCache>();
        services.AddSingleton<SyncReporter>();
        services.AddSingleton(static p => new AgentStatus(
            p.GetRequiredService<NodeIdentity>(),
            p.GetRequiredService<SyncClient>(),
            p.GetRequiredService<IdentityCache>()
        ));
        AddLoop<NodeIdentityKeeper>(services);
        AddLoop<SyncClient>(services);
        AddLoop<SvidIssuer>(services);
        AddLoop<CacheClock>(services);
        AddLoop<IdleCollector>(services);

        services.AddSingleton<ISecretSource, PeerSecretSource>();
        services.AddSds(options.Sds);
        services.AddGrpc(static grpc =>
        {
            grpc.Interceptors.Add<GrpcErrorInterceptor>();
            grpc.MaxReceiveMessageSize = MaxRequestLength;
        });
        services.AddGrpcReflection();
        services.AddGrpcHealthChecks().AddCheck<AgentHealthCheck>("agent");
        return services;
    }

    /// <summary>Everything that the agent socket serves: Workload API, SDS, health, reflection.</summary>
    public static IEndpointRouteBuilder MapNodeAgent(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGrpcService<WorkloadApiService>();
        endpoints.MapSds();
        endpoints.MapGrpcReflectionService();
        endpoints.MapGrpcHealthChecksService();
        return endpoints;
    }

    private static void AddLoop<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
        IServiceCollection services
    )
        where T : class, IHostedService
    {
        services.AddSingleton<T>();
        services.AddHostedService(static p => p.GetRequiredService<T>());
    }
}
