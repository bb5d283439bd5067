using System.Collections.Immutable;
using MeshCA.Ca.Bundles;
using MeshCA.Ca.Entries;
using MeshCA.Ca.Store;
using MeshCA.Spiffe;

namespace MeshCA.Ca.AgentApi;

/// <summary>Tells each agent's stream what changed of what it is sent, as soon as that is committed.</summary>
internal sealed class AgentFeed
{
    private readonly Lock _gate = new();
    private readonly Dictionary<SpiffeId, ImmutableArray<AgentSubscription>> _byAgent = [];
    private long _revision;

    public AgentFeed(EntryRegistry entries, BundleRegistry bundles)
    {
        entries.Subscribe(OnEntryChanged);
        bundles.Subscribe(OnBundleChanged);
    }

    /// <summary>Every change up to here is in the registries, and was marked on the subscriptions there were then.</summary>
    public long Revision => Interlocked.Read(ref _revision);

    public void Load(StoredState state) => Interlocked.Exchange(ref _revision, state.Revision);

    public AgentSubscription Subscribe(SpiffeId agent)
    {
        var subscription = new AgentSubscription(this, agent);
        lock (_gate)
        {
            _byAgent[agent] = _byAgent.TryGetValue(agent, out var others) ? others.Add(subscription) : [subscription];
        }

        return subscription;
    }

    public void Unsubscribe(AgentSubscription subscription)
    {
        lock (_gate)
        {
            if (_byAgent.TryGetValue(subscription.Agent, out var all))
            {
                all = all.Remove(subscription);
                if (all.IsEmpty)
                {
                    _byAgent.Remove(subscription.Agent);
                }
                else
                {
                    _byAgent[subscription.Agent] = all;
                }
            }
        }
    }

    private void OnEntryChanged(EntryChange change)
    {
        lock (_gate)
        {
            if (IsForAnyAgent(change.Before) || IsForAnyAgent(change.After))
            {
                foreach (var subscription in _byAgent.Values.SelectMany(all => all))
                {
                    subscription.MarkEntry(change.Id, change.Revision);
                }
            }
            else
            {
                MarkParent(change.Before, change);
                MarkParent(change.After, change);
            }
        }

        Interlocked.Exchange(ref _revision, change.Revision);
    }

    private void OnBundleChanged(BundleChange change)
    {
        lock (_gate)
        {
            foreach (var subscription in _byAgent.Values.SelectMany(all => all))
            {
                subscription.MarkBundle(change.TrustDomain, change.Revision);
            }
        }

        Interlocked.Exchange(ref _revision, change.Revision);
    }

    private static bool IsForAnyAgent(RegistrationEntry? entry) => entry is { ParentId: null };

    private void MarkParent(RegistrationEntry? entry, EntryChange change)
    {
        if (entry?.ParentId is { } parent && _byAgent.TryGetValue(parent, out var subscriptions))
        {
            foreach (var subscription in subscriptions)
            {
                subscription.MarkEntry(change.Id, change.Revision);
            }
        }
    }
}
