using System.Collections.Immutable;
using MeshCA.NodeAgent.Attestation;
using MeshCA.NodeAgent.Svids;
using MeshCA.Sds;

namespace MeshCA.NodeAgent.Views;

/// <summary>What all processes with the same selectors are given, as it changes. Shared by all their connections.</summary>
internal sealed class WorkloadView(SelectorSet selectors, DateTimeOffset createdAt) : ISecretFeed
{
    private readonly Lock _lock = new();

    private ImmutableArray<Action> _subscribers = [];
    private volatile ViewSnapshot? _current;

    public SelectorSet Selectors { get; } = selectors;

    /// <summary>In the order of their entries' ids. Guarded by the cache's lock, like all settable members.</summary>
    public List<SvidSlot> Slots { get; } = [];

    /// <summary>Null until the agent is in sync with the server.</summary>
    public ViewSnapshot? Current
    {
        get => _current;
        set => _current = value;
    }

    /// <summary>When somebody last came or went.</summary>
    public DateTimeOffset LastUsedAt { get; set; } = createdAt;

    /// <summary>Not swapped again before this, so that a flood of changes costs a bounded share of the time.</summary>
    public DateTimeOffset NextSwapAt { get; set; }

    /// <summary>When the first snapshot is served even if SVIDs are still on their way.</summary>
    public DateTimeOffset ReadyBy { get; set; } = DateTimeOffset.MaxValue;

    public int SubscriberCount => _subscribers.Length;

    SecretSnapshot? ISecretFeed.Current => _current is { IsReady: true } ready ? ready.Secrets : null;

    public IDisposable Subscribe(Action changed)
    {
        lock (_lock)
        {
            _subscribers = _subscribers.Add(changed);
        }

        return new Subscription(this, changed);
    }

    /// <summary>Tells all subscribers. Call it without the cache's lock.</summary>
    public void Notify()
    {
        foreach (var subscriber in _subscribers)
        {
            subscriber();
        }
    }

    /// <summary>Where the slot of an entry with this id is, or belongs.</summary>
    public int Find(string entryId)
    {
        var (low, high) = (0, Slots.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (string.CompareOrdinal(Slots[middle].Entry.Id, entryId) < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private void Unsubscribe(Action changed)
    {
        lock (_lock)
        {
            _subscribers = _subscribers.Remove(changed);
        }
    }

    private sealed class Subscription(WorkloadView view, Action changed) : IDisposable
    {
        private bool _disposed;

        public void Dispose()
        {
            if (!Interlocked.Exchange(ref _disposed, true))
            {
                view.Unsubscribe(changed);
            }
        }
    }
}
