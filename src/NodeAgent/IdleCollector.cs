using Microsoft.Extensions.Hosting;

namespace MeshCA.NodeAgent;

/// <summary>Gives memory back once a burst of work is over: the collector itself would wait for the next burst.</summary>
/// <remarks>
/// An agent works at its start and when many entries or SVIDs change, and is then idle for minutes. With 5,000 SVIDs the
/// garbage of their issuance is three times what is kept. One compacting collection of such a heap takes some 30 ms.
/// </remarks>
internal sealed class IdleCollector(TimeProvider time) : BackgroundService
{
    private const long WorthIt = 8 << 20;
    private const long Idle = 512 << 10;

    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var (collectedAt, before) = (0L, 0L);
        while (true)
        {
            await Task.Delay(_interval, time, stoppingToken);
            var allocated = GC.GetTotalAllocatedBytes();
            if (allocated - before < Idle && allocated - collectedAt > WorthIt)
            {
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
                collectedAt = allocated;
            }

            before = allocated;
        }
    }
}
