namespace MeshCA.NodeAgent.Views;

/// <summary>Says which views nobody uses any more.</summary>
internal static class IdleViews
{
    /// <summary>How long a workload's SVIDs outlive its last connection: it may only be restarting.</summary>
    private static readonly TimeSpan _grace = TimeSpan.FromMinutes(5);

    /// <summary>Beyond this many without subscribers the oldest go before their grace is over.</summary>
    private const int MaxCount = 256;

    /// <summary>Those to drop. Notes of the others that they are in use.</summary>
    public static List<WorkloadView> Find(IReadOnlyCollection<WorkloadView> views, DateTimeOffset now)
    {
        var idle = new List<WorkloadView>();
        foreach (var view in views)
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
        var kept = idle.FindIndex(v => v.LastUsedAt + _grace <= now);
        return idle[Math.Min(kept < 0 ? idle.Count : kept, MaxCount)..];
    }
}
