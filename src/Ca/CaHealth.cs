using MeshCA.Ca.Authorities;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshCA.Ca;

/// <summary>Keeps <see cref="CaReadiness"/> true to what the authority, its signer and the server's own certificate say. Signs nothing for it.</summary>
internal sealed partial class CaHealth(
    AuthorityKeeper authority,
    ServerSvid server,
    CaReadiness readiness,
    TimeProvider time,
    ILogger<CaHealth> logger
) : BackgroundService
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(5);

    /// <summary>A signer that answers later than this is not healthy.</summary>
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(3);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                CheckAuthority();
                var own = server.CheckHealth();
                readiness.Set(own.Name, own.State, own.Problem);
                await CheckSignerAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(e);
            }

            await Task.Delay(_interval, time, stoppingToken);
        }
    }

    private void CheckAuthority()
    {
        var health = authority.CheckHealth();
        readiness.Set(
            CaReadiness.Authority,
            health switch
            {
                { CanIssue: false } => ComponentState.Down,
                { Problem: not null } => ComponentState.Degraded,
                _ => ComponentState.Ok,
            },
            health.Problem
        );
    }

    /// <summary>Without its signer the root makes no new authority, but the one there is issues on.</summary>
    private async Task CheckSignerAsync(CancellationToken ct)
    {
        using var timeout = new CancellationTokenSource(_timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, timeout.Token);
        try
        {
            var health = await authority.CheckRootSignerAsync(either.Token);
            readiness.Set(
                CaReadiness.RootSigner,
                health.Healthy ? ComponentState.Ok : ComponentState.Degraded,
                health.Problem
            );
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            readiness.Set(
                CaReadiness.RootSigner,
                ComponentState.Degraded,
                $"no answer within {_timeout.TotalSeconds:0} s"
            );
        }
    }

    [LoggerMessage(LogLevel.Warning, "Could not check the authority's health")]
    private partial void LogFailed(Exception e);
}
