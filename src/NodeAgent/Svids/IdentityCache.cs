using MeshCA.NodeAgent.Attestation;
using MeshCA.NodeAgent.Sync;
using MeshCA.NodeAgent.Views;
using MeshCA.Spiffe;
using Microsoft.Extensions.Logging;

namespace MeshCA.NodeAgent.Svids;

/// <summary>
/// Entries, the SVIDs of those that a local workload asked for, and the views of the workloads. Says what is to be issued and
/// takes what was. Thread-safe; its only waits are for its lock.
/// </summary>
internal sealed partial class IdentityCache(AgentOptions options, TimeProvider time, ILogger<IdentityCache> logger)
{
    /// <summary>How long a workload's SVIDs outlive its last connection: it may only be restarting.</summary>
    private static readonly TimeSpan _viewGrace = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan _sweepInterval = TimeSpan.FromSeconds(30);

    /// <summary>Beyond this many views without subscribers the oldest go before their grace is over.</summary>
    private const int MaxIdleViews = 256;

    private readonly Lock _lock = new();
    private readonly SlotIndex _index = new();
    private readonly Dictionary<TrustDomain, ServedBundle> _bundles = [];
    private readonly Queue<SvidSlot> _urgent = [];
    private readonly Queue<SvidSlot> _renewals = [];
    private readonly PriorityQueue<(SvidSlot Slot, long Version), DateTimeOffset> _timers = new();
    private readonly HashSet<WorkloadView> _dirty = [];
    private readonly HashSet<WorkloadView> _unready = [];
    private readonly ViewBuilder _builder = new(time);

    private readonly TrustDomain _trustDomain = options.TrustDomain;

    private DateTimeOffset _nextSweepAt;
    private bool _inSync;
    private int _held;
    private int _queued;

    /// <summary>False until the first snapshot of the server has been applied.</summary>
    public bool IsInSync => Volatile.Read(ref _inSync);

    /// <summary>Set when there may be jobs to take.</summary>
    public Signal JobsAdded { get; } = new();

    /// <summary>Set when the time of the next <see cref="Tick"/> may be another.</summary>
    public Signal TimersChanged { get; } = new();

    public int SvidsHeld => Volatile.Read(ref _held);

    /// <summary>SVIDs that workloads wait for.</summary>
    public int SvidsPending
    {
        get
        {
            lock (_lock)
            {
                return _index.Slots.Count(static s => s.Views.Count > 0 && s.Svid is null);
            }
        }
    }

    /// <summary>The view for a process with these selectors; its SVIDs are issued from now on.</summary>
    public WorkloadView Open(SelectorSet selectors)
    {
        using var swaps = new Swaps(this);
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (_index.TryGetView(selectors, out var view))
            {
                view.LastUsedAt = now;
                return view;
            }

            view = new(selectors, now);
            _index.AddView(view);
            foreach (var slot in view.Slots)
            {
                Consider(slot, now);
            }

            MarkDirty(view);
            swaps.Collect(now);
            return view;
        }
    }

    /// <summary>Replaces all entries and bundles.</summary>
    public void ApplySnapshot(IReadOnlyCollection<AgentEntry> entries, IReadOnlyCollection<TrustBundle> bundles)
    {
        using var swaps = new Swaps(this);
        lock (_lock)
        {
            var now = time.GetUtcNow();
            var present = entries.Select(static e => e.Id).ToHashSet(StringComparer.Ordinal);
            foreach (var slot in _index.Slots.Where(s => !present.Contains(s.Entry.Id)).ToList())
            {
                Remove(slot);
            }

            foreach (var entry in entries)
            {
                Upsert(entry, now);
            }

            var named = bundles.Select(static b => b.TrustDomain).ToHashSet();
            foreach (var trustDomain in _bundles.Keys.Where(t => !named.Contains(t) && t != _trustDomain).ToList())
            {
                RemoveBundle(trustDomain);
            }

            foreach (var bundle in bundles)
            {
                SetBundle(bundle);
            }

            if (!_inSync)
            {
                Volatile.Write(ref _inSync, true);
                foreach (var view in _index.Views)
                {
                    MarkDirty(view);
                }
            }

            swaps.Collect(now);
        }
    }

    public void ApplyChange(
        IReadOnlyCollection<AgentEntry> upserted,
        IReadOnlyCollection<string> removedIds,
        IReadOnlyCollection<TrustBundle> bundles,
        IReadOnlyCollection<TrustDomain> removedBundles
    )
    {
        using var swaps = new Swaps(this);
        lock (_lock)
        {
            var now = time.GetUtcNow();
            foreach (var id in removedIds)
            {
                if (_index.TryGetSlot(id, out var slot))
                {
                    Remove(slot);
                }
            }

            foreach (var entry in upserted)
            {
                Upsert(entry, now);
            }

            foreach (var trustDomain in removedBundles)
            {
                RemoveBundle(trustDomain);
            }

            foreach (var bundle in bundles)
            {
                SetBundle(bundle);
            }

            swaps.Collect(now);
        }
    }

    /// <summary>How many jobs wait.</summary>
    public int QueuedCount => Volatile.Read(ref _queued);

    /// <summary>Up to <paramref name="max"/> jobs; missing SVIDs before renewals.</summary>
    public List<IssueJob> TakeJobs(int max)
    {
        var jobs = new List<IssueJob>();
        lock (_lock)
        {
            while (jobs.Count < max && (_urgent.TryDequeue(out var slot) || _renewals.TryDequeue(out slot)))
            {
                _queued--;
                if (slot.State != SlotState.Queued)
                {
                    continue;
                }

                slot.State = slot.Views.Count > 0 ? SlotState.InFlight : SlotState.Idle;
                if (slot.State == SlotState.InFlight)
                {
                    jobs.Add(new(slot, slot.Entry));
                }
            }
        }

        return jobs;
    }

    /// <summary>Takes what became of jobs, all at once, so that a workload sees a batch as one change.</summary>
    public void Complete(IReadOnlyCollection<JobOutcome> outcomes)
    {
        using var swaps = new Swaps(this);
        lock (_lock)
        {
            var now = time.GetUtcNow();
            foreach (var outcome in outcomes)
            {
                Complete(outcome, now);
            }

            swaps.Collect(now);
        }
    }

    /// <summary>Gives jobs back that were not answered.</summary>
    public void Return(IReadOnlyCollection<IssueJob> jobs)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            foreach (var (slot, _) in jobs)
            {
                slot.State = SlotState.Idle;
                Consider(slot, now);
            }
        }
    }

    /// <summary>Does what is due: renewals, ends of SVIDs, delayed swaps, forgotten views. When to come again.</summary>
    public DateTimeOffset Tick()
    {
        using var swaps = new Swaps(this);
        lock (_lock)
        {
            var now = time.GetUtcNow();
            while (
                _timers.TryPeek(out var timer, out var due) && (due <= now || timer.Slot.TimerVersion != timer.Version)
            )
            {
                _timers.Dequeue();
                if (timer.Slot.TimerVersion == timer.Version)
                {
                    Consider(timer.Slot, now);
                }
            }

            foreach (var view in _unready.Where(v => v.ReadyBy <= now))
            {
                MarkDirty(view);
            }

            if (now >= _nextSweepAt)
            {
                _nextSweepAt = now + _sweepInterval;
                SweepViews(now);
            }

            swaps.Collect(now);
            var next = _nextSweepAt;
            foreach (var view in _dirty)
            {
                next = view.NextSwapAt < next ? view.NextSwapAt : next;
            }

            foreach (var view in _unready)
            {
                next = view.ReadyBy < next ? view.ReadyBy : next;
            }

            return _timers.TryPeek(out _, out var first) && first < next ? first : next;
        }
    }

    private void Upsert(AgentEntry entry, DateTimeOffset now)
    {
        if (!_index.TryGetSlot(entry.Id, out var slot))
        {
            slot = _index.AddSlot(entry);
        }
        else if (slot.Entry.IsSame(entry))
        {
            return;
        }
        else
        {
            MarkDirty(slot);
            if (slot.Entry.SpiffeId != entry.SpiffeId)
            {
                Drop(slot);
            }

            _index.Relink(slot, entry);
            slot.ForgetFailure();
        }

        MarkDirty(slot);
        Forget(slot);
        Consider(slot, now);
    }

    private void Remove(SvidSlot slot)
    {
        MarkDirty(slot);
        Drop(slot);
        slot.TimerVersion++;
        _index.RemoveSlot(slot);
    }

    /// <summary>Drops a key that no workload is entitled to any more.</summary>
    private void Forget(SvidSlot slot)
    {
        if (slot.Views.Count == 0)
        {
            Drop(slot);
        }
    }

    private void Drop(SvidSlot slot)
    {
        if (slot.Svid is not null)
        {
            slot.DropSvid();
            Volatile.Write(ref _held, _held - 1);
        }
    }

    /// <summary>Queues the slot if its SVID is due, drops an SVID that has ended, sets the slot's timer.</summary>
    private void Consider(SvidSlot slot, DateTimeOffset now)
    {
        if (slot.Svid?.NotAfter <= now)
        {
            LogExpired(slot.Entry.SpiffeId, slot.Svid.NotAfter);
            Drop(slot);
            MarkDirty(slot);
        }

        if (slot.State == SlotState.Idle && slot.NeedsSvid(now) && slot.RetryAt <= now)
        {
            slot.State = SlotState.Queued;
            (slot.Svid is null ? _urgent : _renewals).Enqueue(slot);
            Volatile.Write(ref _queued, _queued + 1);
            JobsAdded.Set();
        }

        slot.TimerVersion++;
        if (slot.NextDue(now) is { } due)
        {
            if (!_timers.TryPeek(out _, out var first) || due < first)
            {
                TimersChanged.Set();
            }

            _timers.Enqueue((slot, slot.TimerVersion), due);
        }
    }

    private void Complete(JobOutcome outcome, DateTimeOffset now)
    {
        var (slot, entry) = outcome.Job;
        slot.State = SlotState.Idle;
        var wanted = slot.Views.Count > 0 && slot.Entry.SpiffeId == entry.SpiffeId;
        if (outcome.Svid is null)
        {
            var delay = slot.Fail(outcome.Unavailable, now);
            if (wanted)
            {
                LogFailed(entry.SpiffeId, entry.Id, outcome.Error, delay);
            }

            // Others need not wait for this one any longer.
            MarkDirty(slot);
        }
        else if (wanted)
        {
            if (slot.Svid is null)
            {
                Volatile.Write(ref _held, _held + 1);
            }

            slot.Succeed(outcome.Svid);
            MarkDirty(slot);
        }

        Consider(slot, now);
    }

    private void SetBundle(TrustBundle bundle)
    {
        if (_bundles.TryGetValue(bundle.TrustDomain, out var old) && old.Bundle.Equals(bundle))
        {
            return;
        }

        _bundles[bundle.TrustDomain] = new(bundle);
        MarkBundleDirty(bundle.TrustDomain);
    }

    private void RemoveBundle(TrustDomain trustDomain)
    {
        if (trustDomain != _trustDomain && _bundles.Remove(trustDomain))
        {
            MarkBundleDirty(trustDomain);
        }
    }

    private void MarkBundleDirty(TrustDomain trustDomain)
    {
        foreach (var view in _index.Views)
        {
            if (trustDomain == _trustDomain || view.Slots.Exists(s => s.Entry.FederatesWith.Contains(trustDomain)))
            {
                MarkDirty(view);
            }
        }
    }

    /// <summary>True if subscribers are to be told.</summary>
    private bool Swap(WorkloadView view, ServedBundle own, DateTimeOffset now)
    {
        if (view.ReadyBy == DateTimeOffset.MaxValue)
        {
            view.ReadyBy = now + ViewBuilder.FirstWait;
        }

        var changed = _builder.Swap(view, own, _bundles, now);
        if (view.Current is { IsReady: true })
        {
            _unready.Remove(view);
        }
        else if (_unready.Add(view))
        {
            TimersChanged.Set();
        }

        return changed;
    }

    private void MarkDirty(SvidSlot slot)
    {
        foreach (var view in slot.Views)
        {
            MarkDirty(view);
        }
    }

    private void MarkDirty(WorkloadView view)
    {
        _dirty.Add(view);
    }

    private void SweepViews(DateTimeOffset now)
    {
        var idle = new List<WorkloadView>();
        foreach (var view in _index.Views)
        {
            if (view.SubscriberCount > 0)
            {
                view.LastUsedAt = now;
            }
            else
            {
                idle.Add(view);
            }
        }

        idle.Sort(static (a, b) => b.LastUsedAt.CompareTo(a.LastUsedAt));
        for (var i = 0; i < idle.Count; i++)
        {
            if (i >= MaxIdleViews || idle[i].LastUsedAt + _viewGrace <= now)
            {
                var slots = idle[i].Slots.ToList();
                _index.RemoveView(idle[i]);
                _dirty.Remove(idle[i]);
                _unready.Remove(idle[i]);
                slots.ForEach(Forget);
            }
        }
    }

    [LoggerMessage(
        LogLevel.Error,
        "The X509-SVID {SpiffeId} has expired at {NotAfter} before a new one came; it is not served any more"
    )]
    private partial void LogExpired(SpiffeId spiffeId, DateTimeOffset notAfter);

    [LoggerMessage(LogLevel.Warning, "No X509-SVID for {SpiffeId} (entry {EntryId}): {Error}. Retrying in {Delay}")]
    private partial void LogFailed(SpiffeId spiffeId, string entryId, string error, TimeSpan delay);

    /// <summary>Swaps dirty views under the lock and tells their subscribers once it is released, so that they may call back.</summary>
    private ref struct Swaps(IdentityCache cache)
    {
        private List<WorkloadView>? _swapped;

        public void Collect(DateTimeOffset now)
        {
            // Before the first snapshot nothing is known, and nothing may be said.
            if (!cache._inSync || !cache._bundles.TryGetValue(cache._trustDomain, out var own))
            {
                return;
            }

            foreach (var view in cache._dirty)
            {
                if (view.NextSwapAt <= now)
                {
                    cache._dirty.Remove(view);
                    if (cache.Swap(view, own, now))
                    {
                        (_swapped ??= []).Add(view);
                    }
                }
            }

            if (cache._dirty.Count > 0)
            {
                cache.TimersChanged.Set();
            }
        }

        public readonly void Dispose()
        {
            if (_swapped is not null)
            {
                foreach (var view in _swapped)
                {
                    view.Notify();
                }
            }
        }
    }
}
