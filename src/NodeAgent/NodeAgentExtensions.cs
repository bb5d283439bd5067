using MeshCA.NodeAgent.Attestation;
using MeshCA.NodeAgent.Peers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace MeshCA.NodeAgent;

/// <summary>The node agent as a part of a host: its services, its gRPC face.</summary>
public static class NodeAgentExtensions
{
    /// <summary>Adds the agent. The host listens by <see cref="AgentSocket.Configure"/> and maps by <see cref="MapNodeAgent"/>.</summary>
    public static IServiceCollection AddNodeAgent(this IServiceCollection services, AgentOptions options)
    {
        services.AddSingleton(options);
        services.TryAddSingleton(TimeProvider.System);
        services.Configure<SocketTransportOptions>(transport => AgentSocket.UseBind(transport, options));

        services.AddSingleton<PeerLimits>();
        services.AddSingleton<IWorkloadAttestor, UnixWorkloadAttestor>();
        services.AddSingleton<PeerAttestor>();

        services.AddGrpc();
        services.AddGrpcReflection();
        services.AddGrpcHealthChecks();
        return services;
    }

    /// <summary>Everything that the agent socket serves: Workload API, SDS, health, reflection.</summary>
    public static IEndpointRouteBuilder MapNodeAgent(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGrpcReflectionService();
        endpoints.MapGrpcHealthChecksService();
        return endpoints;
    }
}
