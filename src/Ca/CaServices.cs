using MeshCA.Ca.AgentApi;
using MeshCA.Ca.Agents;
using MeshCA.Ca.Bundles;
using MeshCA.Ca.Entries;
using MeshCA.Ca.Issuance;
using MeshCA.Ca.Store;
using MeshCA.Ca.Store.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace MeshCA.Ca;

/// <summary>The CA as services of a host.</summary>
public static class CaServices
{
    /// <summary>
    /// Adds the whole CA. Its hosted services start before the host listens: store, then authority, then the server's own
    /// certificate; a failure of one ends the start with a <see cref="Spiffe.MeshCaException"/>. Beside it the host maps
    /// <see cref="AgentApiExtensions.MapAgentApi"/> on a listener of <see cref="CaTls"/>.
    /// </summary>
    public static IServiceCollection AddCa(this IServiceCollection services, ServerOptions options)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton(provider =>
            SqliteDatabase.Open(options.SqlitePath, provider.GetRequiredService<ILogger<SqliteDatabase>>())
        );
        services.AddSingleton<IDataStore, SqliteDataStore>();
        services.AddSingleton<EntryRegistry>();
        services.AddSingleton<BundleRegistry>();
        services.AddSingleton<AgentRegistry>();
        services.AddSingleton<JoinTokens>();
        services.AddSingleton<CaReadiness>();

        // In this order they start, and in the opposite one they stop.
        services.AddHostedService<CaStartup>();
        services.AddIssuance();
        services.AddHostedService<CaHealth>();
        return services.AddAgentApi();
    }
}
