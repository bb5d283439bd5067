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
    private static readonly TimeSpan _sweepInterval = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly SlotIndex _index = new();
    private readonly ServedBundles _bundles = new(options.TrustDomain);
    private readonly IssueQueue _queue = new();
    private readonly SlotTimers _timers = new();
    private readonly ViewSwapper _swapper = new(time);
    private DateTimeOffset _nextSweepAt;

    /// <summary>When the clock comes by itself; the past once it has been told to come sooner.</summary>
    private DateTimeOffset _clockAt;

    private bool _inSync;
    private int _held;

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

    private DateTimeOffset NextDue
    {
        get
        {
            var next = _nextSweepAt;
            next = _timers.NextDue < next ? _timers.NextDue.Value : next;
            return _swapper.NextDue < next ? _swapper.NextDue.Value : next;
        }
    }

    /// <summary>The view for a process with these selectors; its SVIDs are issued from now on.</summary>
    public WorkloadView Open(SelectorSet selectors)
    {
        WorkloadView? view = null;
        Update(now =>
        {
            if (_index.TryGetView(selectors, out view))
            {
                view.LastUsedAt = now;
                return;
            }

            view = new(selectors, now);
            _index.AddView(view);
            view.Slots.ForEach(slot => Consider(slot, now));
            _swapper.MarkDirty(view);
        });
        return view!;
    }

    /// <summary>Replaces all entries and bundles.</summary>
    public void ApplySnapshot(IReadOnlyCollection<AgentEntry> entries, IReadOnlyCollection<TrustBundle> bundles) =>
        Update(now =>
        {
            var present = entries.Select(static e => e.Id).ToHashSet(StringComparer.Ordinal);
            var removed = _index.Slots.Select(static s => s.Entry.Id).Where(id => !present.Contains(id)).ToList();
            Apply(entries, removed, bundles, _bundles.MissingFrom(bundles), now);
            if (!_inSync)
            {
                Volatile.Write(ref _inSync, true);
                foreach (var view in _index.Views)
                {
                    _swapper.MarkDirty(view);
                }
            }
        });

    /// <summary>Takes one change that came after the snapshot.</summary>
    public void ApplyChange(
        IReadOnlyCollection<AgentEntry> upserted,
        IReadOnlyCollection<string> removedIds,
        IReadOnlyCollection<TrustBundle> bundles,
        IReadOnlyCollection<TrustDomain> removedBundles
    ) => Update(now => Apply(upserted, removedIds, bundles, removedBundles, now));

    /// <summary>How many jobs wait.</summary>
    public int QueuedCount => _queue.Count;

    /// <summary>Up to <paramref name="max"/> jobs; missing SVIDs before renewals.</summary>
    public List<IssueJob> TakeJobs(int max)
    {
        var jobs = new List<IssueJob>();
        lock (_lock)
        {
            while (jobs.Count < max && _queue.TryTake(out var slot))
            {
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
    public void Complete(IReadOnlyCollection<JobOutcome> outcomes) =>
        Update(now =>
        {
            foreach (var outcome in outcomes)
            {
                Complete(outcome, now);
            }
        });

    /// <summary>Gives jobs back that were not answered.</summary>
    public void Return(IReadOnlyCollection<IssueJob> jobs) =>
        Update(now =>
        {
            foreach (var (slot, _) in jobs)
            {
                slot.State = SlotState.Idle;
                Consider(slot, now);
            }
        });

    /// <summary>Does what is due: renewals, ends of SVIDs, delayed swaps, forgotten views. When to come again.</summary>
    public DateTimeOffset Tick()
    {
        Update(now =>
        {
            while (_timers.TakeDue(now) is { } slot)
            {
                Consider(slot, now);
            }

            if (now >= _nextSweepAt)
            {
                _nextSweepAt = now + _sweepInterval;
                SweepViews(now);
            }
        });
        lock (_lock)
        {
            return _clockAt = NextDue;
        }
    }

    /// <summary>
    /// The only way to change anything: under the lock, then the views that this made different are swapped, and once the
    /// lock is released their subscribers are told, who may call back.
    /// </summary>
    private void Update(Action<DateTimeOffset> change)
    {
        List<WorkloadView> swapped = [];
        lock (_lock)
        {
            var now = time.GetUtcNow();
            change(now);

            // Before the first snapshot nothing is known, and nothing may be said.
            if (_inSync && _bundles.TryGetOwn(out var own))
            {
                _swapper.Swap(own, _bundles, now, swapped);
            }

            WakeClock();
        }

        swapped.ForEach(static v => v.Notify());
    }

    private void Apply(
        IReadOnlyCollection<AgentEntry> upserted,
        IReadOnlyCollection<string> removedIds,
        IReadOnlyCollection<TrustBundle> bundles,
        IReadOnlyCollection<TrustDomain> removedBundles,
        DateTimeOffset now
    )
    {
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
            if (_bundles.Remove(trustDomain))
            {
                MarkBundleDirty(trustDomain);
            }
        }

        foreach (var bundle in bundles)
        {
            if (_bundles.Set(bundle))
            {
                MarkBundleDirty(bundle.TrustDomain);
            }
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
        _timers.Set(slot, null);
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
            NodeAgentMetrics.SvidsHeld.Add(-1);
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
            _queue.Add(slot);
            JobsAdded.Set();
        }

        _timers.Set(slot, slot.NextDue(now));
    }

    private void Complete(JobOutcome outcome, DateTimeOffset now)
    {
        var (slot, entry) = outcome.Job;
        NodeAgentMetrics.CountIssuance(outcome.Svid is not null);
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
                NodeAgentMetrics.SvidsHeld.Add(1);
            }

            slot.Succeed(outcome.Svid);
            MarkDirty(slot);
        }

        Consider(slot, now);
    }

    private void MarkBundleDirty(TrustDomain trustDomain)
    {
        foreach (var view in _index.Views)
        {
            if (_bundles.IsOwn(trustDomain) || view.Slots.Exists(s => s.Entry.FederatesWith.Contains(trustDomain)))
            {
                _swapper.MarkDirty(view);
            }
        }
    }

    private void MarkDirty(SvidSlot slot)
    {
        foreach (var view in slot.Views)
        {
            _swapper.MarkDirty(view);
        }
    }

    private void SweepViews(DateTimeOffset now)
    {
        foreach (var view in IdleViews.Find(_index.Views, now))
        {
            var slots = view.Slots.ToList();
            _index.RemoveView(view);
            _swapper.Remove(view);
            slots.ForEach(Forget);
        }
    }

    /// <summary>If something became due sooner than the clock sleeps.</summary>
    private void WakeClock()
    {
        if (NextDue < _clockAt)
        {
            _clockAt = DateTimeOffset.MinValue;
            TimersChanged.Set();
        }
    }

    [LoggerMessage(
        LogLevel.Error,
        "The X509-SVID {SpiffeId} has expired at {NotAfter} before a new one came; it is not served any more"
    )]
    private partial void LogExpired(SpiffeId spiffeId, DateTimeOffset notAfter);

    [LoggerMessage(LogLevel.Warning, "No X509-SVID for {SpiffeId} (entry {EntryId}): {Error}. Retrying in {Delay}")]
    private partial void LogFailed(SpiffeId spiffeId, string entryId, string error, TimeSpan delay);
}
