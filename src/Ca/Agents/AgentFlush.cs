using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshCA.Ca.Agents;

/// <summary>Stores when agents were last heard from, together and seldom rather than at each report.</summary>
internal sealed partial class AgentFlush(AgentRegistry agents, TimeProvider time, ILogger<AgentFlush> logger)
    : BackgroundService
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(30);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await FlushAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await Task.Delay(_interval, time, stoppingToken);
            await FlushAsync(stoppingToken);
        }
    }

    private async Task FlushAsync(CancellationToken ct)
    {
        try
        {
            await agents.FlushAsync(ct);
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            // The times stay in memory; the next report of each agent brings them here again.
            LogFailed(e);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Could not store when agents were last seen")]
    private partial void LogFailed(Exception e);
}
