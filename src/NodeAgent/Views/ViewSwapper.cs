namespace MeshCA.NodeAgent.Views;

/// <summary>Knows which views are behind and gives them their next snapshots, none too often. Not thread-safe.</summary>
internal sealed class ViewSwapper(TimeProvider time)
{
    private readonly ViewBuilder _builder = new(time);
    private readonly HashSet<WorkloadView> _dirty = [];

    /// <summary>Those whose first snapshot waits for SVIDs.</summary>
    private readonly HashSet<WorkloadView> _unready = [];

    /// <summary>When to come again though nothing changes; null if there is no need.</summary>
    public DateTimeOffset? NextDue
    {
        get
        {
            DateTimeOffset? next = null;
            foreach (var view in _dirty)
            {
                next = next < view.NextSwapAt ? next : view.NextSwapAt;
            }

            foreach (var view in _unready)
            {
                next = next < view.ReadyBy ? next : view.ReadyBy;
            }

            return next;
        }
    }

    public void MarkDirty(WorkloadView view) => _dirty.Add(view);

    public void Remove(WorkloadView view)
    {
        _dirty.Remove(view);
        _unready.Remove(view);
    }

    /// <summary>Swaps what is due; adds the views whose subscribers are to be told to <paramref name="swapped"/>.</summary>
    public void Swap(ServedBundle own, ServedBundles bundles, DateTimeOffset now, List<WorkloadView> swapped)
    {
        foreach (var view in _unready)
        {
            if (view.ReadyBy <= now)
            {
                _dirty.Add(view);
            }
        }

        foreach (var view in _dirty)
        {
            if (view.NextSwapAt > now)
            {
                continue;
            }

            _dirty.Remove(view);
            if (view.ReadyBy == DateTimeOffset.MaxValue)
            {
                view.ReadyBy = now + ViewBuilder.FirstWait;
            }

            if (_builder.Swap(view, own, bundles, now))
            {
                swapped.Add(view);
            }

            if (view.Current is { IsReady: true })
            {
                _unready.Remove(view);
            }
            else
            {
                _unready.Add(view);
            }
        }
    }
}
