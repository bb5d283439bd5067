using System.Diagnostics.CodeAnalysis;

namespace MeshCA.NodeAgent.Svids;

/// <summary>Slots that wait for a batch: workloads that have nothing yet come before renewals. Not thread-safe but for the count.</summary>
internal sealed class IssueQueue
{
    private readonly Queue<SvidSlot> _urgent = [];
    private readonly Queue<SvidSlot> _renewals = [];

    private int _count;

    public int Count => Volatile.Read(ref _count);

    public void Add(SvidSlot slot)
    {
        slot.State = SlotState.Queued;
        (slot.Svid is null ? _urgent : _renewals).Enqueue(slot);
        Volatile.Write(ref _count, _count + 1);
    }

    public bool TryTake([NotNullWhen(true)] out SvidSlot? slot)
    {
        if (!_urgent.TryDequeue(out slot) && !_renewals.TryDequeue(out slot))
        {
            return false;
        }

        Volatile.Write(ref _count, _count - 1);
        return true;
    }
}
