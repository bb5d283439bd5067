using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshCA.NodeAgent.Svids;

/// <summary>Lets the cache do what time makes due.</summary>
internal sealed partial class CacheClock(IdentityCache cache, TimeProvider time, ILogger<CacheClock> logger)
    : BackgroundService
{
    private static readonly TimeSpan _minDelay = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan _maxDelay = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            var delay = _maxDelay;
            try
            {
                delay = cache.Tick() - time.GetUtcNow();
            }
            catch (Exception e)
            {
                LogFailed(e);
            }

            delay =
                delay < _minDelay ? _minDelay
                : delay > _maxDelay ? _maxDelay
                : delay;
            await cache.TimersChanged.WaitAsync(delay, time, stoppingToken);
        }
    }

    [LoggerMessage(LogLevel.Error, "Could not do what was due; trying again soon")]
    private partial void LogFailed(Exception e);
}
