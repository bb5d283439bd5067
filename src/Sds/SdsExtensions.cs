using Grpc.AspNetCore.Server;
using Grpc.Core;
using MeshCA.Protos.Envoy.Service.Discovery.V3;
using MeshCA.Protos.Envoy.Service.Secret.V3;
using MeshCA.Sds.Secrets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshCA.Sds;

/// <summary>Adds the discovery services to a host.</summary>
public static class SdsExtensions
{
    /// <summary>Registers the secret server; the host registers an <see cref="ISecretSource"/>.</summary>
    public static IServiceCollection AddSds(this IServiceCollection services, SdsOptions options)
    {
        services.TryAddSingleton(options);
        services.TryAddSingleton<InvalidSecretReporter>();
        services.TryAddSingleton(static p => new SecretServer(
            p.GetRequiredService<ISecretSource>(),
            p.GetRequiredService<SdsOptions>(),
            p.GetRequiredService<InvalidSecretReporter>(),
            p.GetRequiredService<IHostApplicationLifetime>(),
            p.GetRequiredService<ILogger<SecretServer>>()
        ));
        return services;
    }

    /// <summary>Maps Envoy's secret discovery service, for a listener set up by <see cref="UnixSocketHttp"/>.</summary>
    public static IEndpointRouteBuilder MapSds(this IEndpointRouteBuilder endpoints)
    {
        var server = endpoints.ServiceProvider.GetRequiredService<SecretServer>();
        Map<DiscoveryRequest, DiscoveryResponse>(
            endpoints,
            MethodType.DuplexStreaming,
            "StreamSecrets",
            server.StreamAsync
        );
        Map<DeltaDiscoveryRequest, DeltaDiscoveryResponse>(
            endpoints,
            MethodType.DuplexStreaming,
            "DeltaSecrets",
            server.DeltaAsync
        );
        Map<DiscoveryRequest, DiscoveryResponse>(endpoints, MethodType.Unary, "FetchSecrets", server.FetchAsync);
        return endpoints;
    }

    private static void Map<TRequest, TResponse>(
        IEndpointRouteBuilder endpoints,
        MethodType type,
        string name,
        RequestDelegate serve
    )
        where TRequest : class
        where TResponse : class
    {
        var method = new UnservedMethod<TRequest, TResponse>(type, SecretDiscoveryService.Descriptor.FullName, name);

        // The metadata is how gRPC server reflection learns of a service.
        endpoints
            .MapPost(method.FullName, serve)
            .WithMetadata(new GrpcMethodMetadata(typeof(SecretDiscoveryService.SecretDiscoveryServiceBase), method));
    }

    /// <summary>Names a method for reflection; nothing is marshalled through it.</summary>
    private sealed class UnservedMethod<TRequest, TResponse>(MethodType type, string service, string name) : IMethod
    {
        public MethodType Type => type;

        public string ServiceName => service;

        public string Name => name;

        public string FullName => $"/{service}/{name}";
    }
}
