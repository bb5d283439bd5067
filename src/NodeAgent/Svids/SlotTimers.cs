namespace MeshCA.NodeAgent.Svids;

/// <summary>One queue for what is due for all slots: renewals, tries, ends. Not thread-safe.</summary>
internal sealed class SlotTimers
{
    private readonly PriorityQueue<(SvidSlot Slot, long Version), DateTimeOffset> _queue = new();

    public DateTimeOffset? NextDue => _queue.TryPeek(out _, out var due) ? due : null;

    /// <summary>Replaces the slot's timer. The old one stays in the queue and is passed over: that is cheaper than to find it.</summary>
    public void Set(SvidSlot slot, DateTimeOffset? due)
    {
        slot.TimerVersion++;
        if (due is { } at)
        {
            _queue.Enqueue((slot, slot.TimerVersion), at);
        }
    }

    /// <summary>The next slot that is due; null if none is.</summary>
    public SvidSlot? TakeDue(DateTimeOffset now)
    {
        while (_queue.TryPeek(out var timer, out var due))
        {
            var current = timer.Slot.TimerVersion == timer.Version;
            if (current && due > now)
            {
                return null;
            }

            _queue.Dequeue();
            if (current)
            {
                return timer.Slot;
            }
        }

        return null;
    }
}
