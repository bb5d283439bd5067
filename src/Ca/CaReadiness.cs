using System.Collections.Immutable;

namespace MeshCA.Ca;

/// <summary>What <c>/readyz</c> tells of the CA. Each part sets its own status. Safe for concurrent use.</summary>
public sealed class CaReadiness
{
    /// <summary>The store file or database: entries, bundles, agents, ledger.</summary>
    public const string Store = "store";

    /// <summary>The authority that issues: its key, its certificate and how long that lasts.</summary>
    public const string Authority = "authority";

    /// <summary>The key's home; an authority that has its intermediate does without it for a while.</summary>
    public const string RootSigner = "rootSigner";

    /// <summary>The server's own X509-SVID, which agents verify it by.</summary>
    public const string ServerSvid = "serverSvid";

    private ImmutableSortedDictionary<string, ComponentStatus> _components = new[] { Store, Authority, ServerSvid }
        .Select(name => new ComponentStatus(name, ComponentState.Starting, Problem: null))
        .ToImmutableSortedDictionary(status => status.Name, status => status, StringComparer.Ordinal);

    public IEnumerable<ComponentStatus> Components => Volatile.Read(ref _components).Values;

    /// <summary>True while the instance can do its work; parts of it may be degraded.</summary>
    public bool IsReady => Components.All(status => status.State is ComponentState.Ok or ComponentState.Degraded);

    /// <summary>Sets the status of one component.</summary>
    public void Set(string component, ComponentState state, string? problem = null) =>
        ImmutableInterlocked.Update(
            ref _components,
            static (all, status) => all.SetItem(status.Name, status),
            new ComponentStatus(component, state, problem)
        );
}
