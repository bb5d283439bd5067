using MeshCA.NodeAgent.Sync;
using MeshCA.NodeAgent.Views;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Svids;

/// <summary>The place of one entry's SVID. Guarded by the lock of its <see cref="IdentityCache"/>.</summary>
internal sealed class SvidSlot(AgentEntry entry)
{
    private static readonly TimeSpan _firstRetry = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _maxRetry = TimeSpan.FromMinutes(1);

    /// <summary>What is not the entry's own fault may be over soon: all resumes within seconds of the CA's return.</summary>
    private static readonly TimeSpan _maxUnavailableRetry = TimeSpan.FromSeconds(5);

    private Backoff? _backoff;

    public AgentEntry Entry { get; set; } = entry;

    /// <summary>Under which of its selectors the cache files the entry.</summary>
    public Selector FiledUnder { get; set; }

    public WorkloadSvid? Svid { get; private set; }

    /// <summary>Those whose workloads the entry is for. An SVID is kept while there is one.</summary>
    public List<WorkloadView> Views { get; } = [];

    public SlotState State { get; set; }

    /// <summary>Not asked for again before this.</summary>
    public DateTimeOffset RetryAt { get; private set; }

    /// <summary>True if the last try failed: others need not wait for this one.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>Tells the newest timer of the slot from older ones.</summary>
    public long TimerVersion { get; set; }

    public bool NeedsSvid(DateTimeOffset now) =>
        Views.Count > 0
        && (Svid is null || Svid.RenewAt <= now || Svid.NotAfter <= now || Svid.EntryRevision != Entry.Revision);

    /// <summary>When something is due: an SVID's end, its renewal, the next try.</summary>
    public DateTimeOffset? NextDue(DateTimeOffset now)
    {
        if (Views.Count == 0)
        {
            return null;
        }

        var next = Svid?.NotAfter;
        if (State == SlotState.Idle)
        {
            var renewal = NeedsSvid(now) ? RetryAt : Svid!.RenewAt;
            next = next < renewal ? next : renewal;
        }

        return next;
    }

    public void Succeed(WorkloadSvid svid)
    {
        Svid = svid;
        State = SlotState.Idle;
        HasFailed = false;
        RetryAt = default;
        _backoff = null;
    }

    public TimeSpan Fail(bool unavailable, DateTimeOffset now)
    {
        _backoff ??= new(_firstRetry, unavailable ? _maxUnavailableRetry : _maxRetry);
        var delay = _backoff.Next();
        RetryAt = now + delay;
        State = SlotState.Idle;
        HasFailed = true;
        return delay;
    }

    /// <summary>A changed entry is tried at once, whatever became of the old one.</summary>
    public void ForgetFailure()
    {
        RetryAt = default;
        HasFailed = false;
        _backoff = null;
    }

    public void DropSvid() => Svid = null;
}
