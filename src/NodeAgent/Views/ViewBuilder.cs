using System.Collections.Immutable;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Views;

/// <summary>Makes a view's next snapshot. Not thread-safe: its buffers are used again.</summary>
internal sealed class ViewBuilder(TimeProvider time)
{
    /// <summary>A workload that first comes is told of all its identities at once, unless one takes longer than this.</summary>
    public static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan _minSwapInterval = TimeSpan.FromMilliseconds(5);

    /// <summary>At most a twentieth of the time goes into swaps of one view.</summary>
    private const int SwapShare = 20;

    private readonly HashSet<SpiffeId> _ids = [];
    private readonly Dictionary<string, (DateTimeOffset CreatedAt, int Index)> _hints = new(StringComparer.Ordinal);
    private readonly HashSet<TrustDomain> _federated = [];

    /// <summary>True if the view has a new snapshot. Sets when it may have the one after.</summary>
    public bool Swap(WorkloadView view, ServedBundle own, ServedBundles bundles, DateTimeOffset now)
    {
        var started = time.GetTimestamp();
        var next = Build(view, own, bundles, now, started);
        var pause = time.GetElapsedTime(started) * SwapShare;
        view.NextSwapAt = now + (pause > _minSwapInterval ? pause : _minSwapInterval);
        if (next.IsSame(view.Current))
        {
            return false;
        }

        view.Current = next;
        return true;
    }

    private ViewSnapshot Build(
        WorkloadView view,
        ServedBundle own,
        ServedBundles bundles,
        DateTimeOffset now,
        long started
    )
    {
        var identities = ImmutableArray.CreateBuilder<ViewIdentity>(view.Slots.Count);
        var awaited = ImmutableArray.CreateBuilder<SpiffeId>();
        HashSet<int>? dropped = null;
        var (pending, defaultAwaited) = (0, false);
        var earliest = DateTimeOffset.MaxValue;
        _ids.Clear();
        _hints.Clear();
        _federated.Clear();
        foreach (var slot in view.Slots)
        {
            var entry = slot.Entry;
            _federated.UnionWith(entry.FederatesWith);
            if (!_ids.Add(entry.SpiffeId))
            {
                // An older entry gives the same SPIFFE ID.
                continue;
            }

            if (slot.Svid is not { } svid)
            {
                defaultAwaited |= _ids.Count == 1;
                pending += slot.HasFailed ? 0 : 1;
                awaited.Add(entry.SpiffeId);
                continue;
            }

            earliest = svid.NotAfter < earliest ? svid.NotAfter : earliest;
            if (entry.Hint.Length > 0)
            {
                CheckHint(entry.Hint, entry.CreatedAt, identities.Count, ref dropped);
            }

            identities.Add(new(svid, entry.Hint));
        }

        var all = identities.DrainToImmutable();
        return new()
        {
            MadeAt = started,
            EntryCount = view.Slots.Count,
            PendingCount = pending,
            IsReady = view.Current is { IsReady: true } || pending == 0 || now >= view.ReadyBy,
            Identities = all,
            HintedIdentities = dropped is null ? all : [.. all.Where((_, i) => !dropped.Contains(i))],
            Awaited = awaited.DrainToImmutable(),
            DefaultAwaited = defaultAwaited,
            Bundle = own,
            FederatedBundles =
            [
                .. _federated
                    .Where(t => t != own.Bundle.TrustDomain)
                    .Order()
                    .Select(bundles.Find)
                    .OfType<ServedBundle>(),
            ],
            EarliestNotAfter = earliest,
        };
    }

    /// <summary>The oldest entry keeps a hint that several have; slots come in the order of their ids, which breaks ties.</summary>
    private void CheckHint(string hint, DateTimeOffset createdAt, int index, ref HashSet<int>? dropped)
    {
        if (!_hints.TryGetValue(hint, out var holder))
        {
            _hints.Add(hint, (createdAt, index));
            return;
        }

        dropped ??= [];
        if (createdAt < holder.CreatedAt)
        {
            dropped.Add(holder.Index);
            _hints[hint] = (createdAt, index);
        }
        else
        {
            dropped.Add(index);
        }
    }
}
