using MeshCA.Ca.AgentApi;
using MeshCA.Ca.Agents;
using MeshCA.Ca.Authorities;
using MeshCA.Ca.Bundles;
using MeshCA.Ca.Entries;
using MeshCA.Ca.Store;
using Microsoft.Extensions.Hosting;

namespace MeshCA.Ca;

/// <summary>Brings up what the rest stands on, in order, before anything listens; a failure ends the start.</summary>
internal sealed class CaStartup(
    IDataStore store,
    EntryRegistry entries,
    BundleRegistry bundles,
    AgentRegistry agents,
    AgentFeed feed,
    AuthorityKeeper authority,
    ServerSvid server,
    CaReadiness readiness
) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var state = await store.LoadAsync(cancellationToken);
        entries.Load(state);
        bundles.Load(state);
        agents.Load(state);
        feed.Load(state);
        readiness.Set(CaReadiness.Store, ComponentState.Ok);

        await authority.InitializeAsync(cancellationToken);
        readiness.Set(CaReadiness.Authority, ComponentState.Ok);

        await server.InitializeAsync(cancellationToken);
        readiness.Set(CaReadiness.ServerSvid, ComponentState.Ok);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
