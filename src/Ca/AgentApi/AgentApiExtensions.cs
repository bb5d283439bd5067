using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace MeshCA.Ca.AgentApi;

public static class AgentApiExtensions
{
    /// <summary>Maps the agent API. It belongs on the listener that <see cref="CaTls"/> configures, and on no other.</summary>
    public static IEndpointConventionBuilder MapAgentApi(this IEndpointRouteBuilder endpoints)
    {
        var service = endpoints.MapGrpcService<AgentGrpcService>();
        service.Add(MessageLimit.Apply);
        return service;
    }

    internal static IServiceCollection AddAgentApi(this IServiceCollection services)
    {
        services
            .AddGrpc()
            .AddServiceOptions<AgentGrpcService>(grpc =>
            {
                grpc.MaxReceiveMessageSize = MessageLimit.MaxStreamed;
                grpc.EnableDetailedErrors = false;
                grpc.Interceptors.Add<ErrorInterceptor>();
            });
        services.AddSingleton<ErrorInterceptor>();
        services.AddSingleton<AgentFeed>();
        services.AddSingleton<CaTls>();
        services.AddSingleton<AgentSvidIssuer>();
        services.AddSingleton<SyncStream>();
        services.AddSingleton<IssueStream>();
        services.AddSingleton<AgentGrpcService>();
        services.AddHostedService<Agents.AgentFlush>();
        return services;
    }
}
