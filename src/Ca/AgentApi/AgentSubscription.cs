using MeshCA.Ca.Store;
using MeshCA.Spiffe;

namespace MeshCA.Ca.AgentApi;

/// <summary>
/// What one stream has still to be told: names, not contents, so that a slow agent gets the newest state once and costs
/// the server no more than the set of names.
/// </summary>
internal sealed class AgentSubscription(AgentFeed feed, SpiffeId agent) : IDisposable
{
    /// <summary>Beyond this a snapshot is cheaper than the names.</summary>
    private const int MaxNames = 10_000;

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _signal = new(0, 1);
    private HashSet<string> _entries = new(StringComparer.Ordinal);
    private HashSet<TrustDomain> _bundles = [];
    private long _revision;
    private bool _snapshot;

    public SpiffeId Agent { get; } = agent;

    /// <summary>Waits until there is something to take.</summary>
    public Task WaitAsync(CancellationToken ct) => _signal.WaitAsync(ct);

    public void MarkEntry(string id, long revision)
    {
        lock (_gate)
        {
            _revision = revision;
            if (!_snapshot)
            {
                _entries.Add(id);
                Bound();
            }

            Signal();
        }
    }

    public void MarkBundle(TrustDomain trustDomain, long revision)
    {
        lock (_gate)
        {
            _revision = revision;
            if (!_snapshot)
            {
                _bundles.Add(trustDomain);
                Bound();
            }

            Signal();
        }
    }

    /// <summary>What the agent missed while it was away; null = it needs all.</summary>
    public void MarkMissed(IReadOnlyCollection<ChangeKey>? changes)
    {
        lock (_gate)
        {
            foreach (var change in changes ?? [])
            {
                if (change.Kind == ChangeKind.Entry)
                {
                    _entries.Add(change.Key);
                }
                else
                {
                    _bundles.Add(TrustDomain.Parse(change.Key));
                }
            }

            _snapshot |= changes is null;
            Bound();
            Signal();
        }
    }

    public PendingChanges Take()
    {
        lock (_gate)
        {
            var pending = new PendingChanges(_revision, _snapshot, _entries, _bundles);
            _entries = new(StringComparer.Ordinal);
            _bundles = [];
            _snapshot = false;
            return pending;
        }
    }

    public void Dispose()
    {
        feed.Unsubscribe(this);
        lock (_gate)
        {
            _signal.Dispose();
        }
    }

    private void Bound()
    {
        if (_snapshot || _entries.Count + _bundles.Count > MaxNames)
        {
            _snapshot = true;
            _entries = new(StringComparer.Ordinal);
            _bundles = [];
        }
    }

    private void Signal()
    {
        if (_signal.CurrentCount == 0)
        {
            _signal.Release();
        }
    }
}
