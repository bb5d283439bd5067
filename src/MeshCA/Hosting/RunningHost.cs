namespace MeshCA.Hosting;

/// <summary>
/// A host that is stopped before it is disposed, on every way out: one that is only disposed takes its loops' cancellation
/// for failures.
/// </summary>
internal sealed class RunningHost : IAsyncDisposable
{
    private readonly IHost _host;

    private RunningHost(IHost host) => _host = host;

    public IServiceProvider Services => _host.Services;

    public IHostApplicationLifetime Lifetime => _host.Services.GetRequiredService<IHostApplicationLifetime>();

    public static async Task<RunningHost> StartAsync(IHost host, CancellationToken ct)
    {
        try
        {
            // Made before they are started: where one cannot be made there is nothing to stop, and a host cannot.
            _ = host.Services.GetServices<IHostedService>();
        }
        catch
        {
            await DisposeAsync(host);
            throw;
        }

        var running = new RunningHost(host);
        try
        {
            // Not with ct itself: the loops' tokens hang on it, and would be cancelled while the host is not stopping.
            await using var stop = ct.Register(running.Lifetime.StopApplication);
            await host.StartAsync(CancellationToken.None);
            ct.ThrowIfCancellationRequested();
            return running;
        }
        catch
        {
            await running.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(CancellationToken.None);
        await DisposeAsync(_host);
    }

    private static async ValueTask DisposeAsync(IHost host)
    {
        switch (host)
        {
            case IAsyncDisposable disposable:
                await disposable.DisposeAsync();
                break;
            default:
                host.Dispose();
                break;
        }
    }
}
