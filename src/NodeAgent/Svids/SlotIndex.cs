using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using MeshCA.NodeAgent.Attestation;
using MeshCA.NodeAgent.Sync;
using MeshCA.NodeAgent.Views;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Svids;

/// <summary>Finds the entries for a workload and the workloads for an entry without a look at all of them. Not thread-safe.</summary>
internal sealed class SlotIndex
{
    private readonly Dictionary<string, SvidSlot> _slots = new(StringComparer.Ordinal);
    private readonly Dictionary<SelectorSet, WorkloadView> _views = [];

    /// <summary>Each slot under one of its selectors: a workload that lacks it cannot match.</summary>
    private readonly Dictionary<Selector, HashSet<SvidSlot>> _slotsBySelector = [];

    /// <summary>Each view under all of its selectors.</summary>
    private readonly Dictionary<Selector, HashSet<WorkloadView>> _viewsBySelector = [];

    public IReadOnlyCollection<SvidSlot> Slots => _slots.Values;

    public IReadOnlyCollection<WorkloadView> Views => _views.Values;

    public bool TryGetSlot(string entryId, [NotNullWhen(true)] out SvidSlot? slot) =>
        _slots.TryGetValue(entryId, out slot);

    public bool TryGetView(SelectorSet selectors, [NotNullWhen(true)] out WorkloadView? view) =>
        _views.TryGetValue(selectors, out view);

    public SvidSlot AddSlot(AgentEntry entry)
    {
        var slot = new SvidSlot(entry);
        _slots.Add(entry.Id, slot);
        Link(slot);
        return slot;
    }

    public void RemoveSlot(SvidSlot slot)
    {
        _slots.Remove(slot.Entry.Id);
        Unlink(slot);
    }

    /// <summary>For an entry whose selectors changed.</summary>
    public void Relink(SvidSlot slot, AgentEntry entry)
    {
        Unlink(slot);
        slot.Entry = entry;
        Link(slot);
    }

    public void AddView(WorkloadView view)
    {
        _views.Add(view.Selectors, view);
        foreach (var selector in view.Selectors.Sorted)
        {
            Bucket(_viewsBySelector, selector).Add(view);
            if (_slotsBySelector.TryGetValue(selector, out var slots))
            {
                foreach (var slot in slots)
                {
                    if (view.Selectors.Covers(slot.Entry.Selectors))
                    {
                        view.Slots.Add(slot);
                        slot.Views.Add(view);
                    }
                }
            }
        }

        view.Slots.Sort(static (a, b) => string.CompareOrdinal(a.Entry.Id, b.Entry.Id));
    }

    public void RemoveView(WorkloadView view)
    {
        _views.Remove(view.Selectors);
        foreach (var selector in view.Selectors.Sorted)
        {
            Drop(_viewsBySelector, selector, view);
        }

        foreach (var slot in view.Slots)
        {
            slot.Views.Remove(view);
        }

        view.Slots.Clear();
    }

    private void Link(SvidSlot slot)
    {
        // Under the selector that tells most: many entries share a uid, few a path. And the fewest views are looked at.
        var (least, candidates) = (default(Selector), (HashSet<WorkloadView>?)null);
        var fewest = int.MaxValue;
        foreach (var selector in slot.Entry.Selectors)
        {
            var count = _slotsBySelector.TryGetValue(selector, out var slots) ? slots.Count : 0;
            (least, fewest) = count < fewest ? (selector, count) : (least, fewest);
            if (!_viewsBySelector.TryGetValue(selector, out var views))
            {
                // No workload has it, so none matches.
                candidates = [];
            }
            else if (candidates is null || views.Count < candidates.Count)
            {
                candidates = views;
            }
        }

        slot.FiledUnder = least;
        Bucket(_slotsBySelector, least).Add(slot);
        foreach (var view in candidates!)
        {
            if (view.Selectors.Covers(slot.Entry.Selectors))
            {
                view.Slots.Insert(view.Find(slot.Entry.Id), slot);
                slot.Views.Add(view);
            }
        }
    }

    private void Unlink(SvidSlot slot)
    {
        Drop(_slotsBySelector, slot.FiledUnder, slot);
        foreach (var view in slot.Views)
        {
            view.Slots.RemoveAt(view.Find(slot.Entry.Id));
        }

        slot.Views.Clear();
    }

    private static HashSet<T> Bucket<T>(Dictionary<Selector, HashSet<T>> index, Selector selector) =>
        CollectionsMarshal.GetValueRefOrAddDefault(index, selector, out _) ??= [];

    private static void Drop<T>(Dictionary<Selector, HashSet<T>> index, Selector selector, T item)
    {
        if (index.TryGetValue(selector, out var bucket) && bucket.Remove(item) && bucket.Count == 0)
        {
            index.Remove(selector);
        }
    }
}
