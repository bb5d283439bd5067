using MeshCA.Ca.Authorities;
using MeshCA.Ca.Store.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace MeshCA.Ca.Issuance;

/// <summary>Registers what issues. Part of <c>AddCa</c>.</summary>
public static class IssuanceExtensions
{
    /// <summary>
    /// Wants the store, the registries, ServerOptions and TimeProvider registered. Before the host starts, and after the
    /// registries are loaded: <see cref="AuthorityKeeper.InitializeAsync"/>, then <see cref="ServerSvid.InitializeAsync"/>.
    /// </summary>
    public static IServiceCollection AddIssuance(this IServiceCollection services)
    {
        services.TryAddSingleton<IIssuanceLedger, SqliteLedger>();
        services.AddSingleton<IssuancePipeline>();
        services.AddSingleton<AuthorityKeeper>();
        services.AddSingleton<X509Issuer>();
        services.AddSingleton<IdentityLedger>();
        services.AddSingleton<ServerSvid>();
        services.AddHostedService(provider => provider.GetRequiredService<AuthorityKeeper>());
        services.AddHostedService(provider => provider.GetRequiredService<ServerSvid>());
        return services;
    }
}
