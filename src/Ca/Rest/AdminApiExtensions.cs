using MeshCA.Ca.Issuance;
using MeshCA.Ca.Store.Sqlite;
using MeshCA.Spiffe;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace MeshCA.Ca.Rest;

/// <summary>Puts the admin API into a host.</summary>
public static class AdminApiExtensions
{
    /// <summary>Registers the admin API. The services of the CA come from elsewhere.</summary>
    public static IServiceCollection AddAdminApi(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<CaReadiness>();
        services.TryAddSingleton<SqliteAnswers>();
        services.TryAddSingleton<IdentityLedger>();
        services.AddSingleton<AdminApi>();
        services.AddSingleton<ProblemWriter>();
        services.AddSingleton<AdminJournal>();
        services.AddSingleton<IdempotentAnswers>();
        services.AddSingleton<IEndpoints, VersionEndpoints>();
        services.AddSingleton<IEndpoints, HealthEndpoints>();
        services.AddSingleton<IEndpoints, EntryEndpoints>();
        services.AddSingleton<IEndpoints, JoinTokenEndpoints>();
        services.AddSingleton<IEndpoints, AgentEndpoints>();
        services.AddSingleton<IEndpoints, BundleEndpoints>();
        services.AddSingleton<IEndpoints, IdentityEndpoints>();
        services.AddSingleton<IEndpoints, AuthorityEndpoints>();
        return services;
    }

    /// <summary>Answers a request that the host itself refuses, in the form in which the API refuses.</summary>
    public static Task WriteProblemAsync(this HttpContext http, ErrorKind kind, string detail)
    {
        AdminApi.Begin(http);
        return http
            .RequestServices.GetRequiredService<ProblemWriter>()
            .WriteAsync(http, new ProblemException(ProblemKind.Of(kind), detail));
    }

    /// <summary>
    /// Serves the admin API: every path of the listener that has no endpoint of its own, so that an unknown one is a
    /// problem document too. The host authenticates callers before; their name comes from <see cref="HttpContext.User"/>.
    /// </summary>
    public static IEndpointConventionBuilder MapAdminApi(this IEndpointRouteBuilder endpoints)
    {
        var api = endpoints.ServiceProvider.GetRequiredService<AdminApi>();
        // Exact routes elsewhere come first: a catch-all has the lowest precedence, and this one the last order.
        var builder = endpoints.Map("/{**path}", (RequestDelegate)api.InvokeAsync);
        builder.Add(b => ((RouteEndpointBuilder)b).Order = int.MaxValue);
        return builder.WithDisplayName("admin API");
    }
}
