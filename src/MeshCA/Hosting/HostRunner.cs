using System.Net.Sockets;
using MeshCA.Commands;
using MeshCA.Spiffe;

namespace MeshCA.Hosting;

/// <summary>Runs hosts for a command: start, wait for the signal or for the host's own end, stop.</summary>
internal static class HostRunner
{
    /// <summary>0 after a signal; 1 if the host could not start, or stopped by itself.</summary>
    public static async Task<int> RunAsync(Func<IHost> build, TextWriter error, CancellationToken ct)
    {
        try
        {
            await using var host = await RunningHost.StartAsync(build(), ct);
            return await WaitAsync([host], error, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return ExitCodes.Done;
        }
        catch (Exception e) when (Explain(e) is { } problems)
        {
            foreach (var problem in problems)
            {
                await error.WriteLineAsync("error: " + problem);
            }

            return ExitCodes.Refused;
        }
    }

    /// <summary>Waits until a signal comes or one host ends by itself.</summary>
    public static async Task<int> WaitAsync(IReadOnlyList<RunningHost> hosts, TextWriter error, CancellationToken ct)
    {
        var stopping = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var signal = ct.Register(() => stopping.TrySetResult());
        foreach (var host in hosts)
        {
            host.Lifetime.ApplicationStopping.Register(() => stopping.TrySetResult());
        }

        await stopping.Task;
        if (ct.IsCancellationRequested)
        {
            return ExitCodes.Done;
        }

        await error.WriteLineAsync("error: stopped after a failure; the log above says which");
        return ExitCodes.Refused;
    }

    /// <summary>The lines that say why a start failed, or null for a defect of ours, which keeps its stack.</summary>
    public static IEnumerable<string>? Explain(Exception e) =>
        e switch
        {
            MeshCaException => [e.Message],
            AggregateException all when all.Flatten().InnerExceptions.All(static i => Explain(i) is not null) =>
                all.Flatten().InnerExceptions.SelectMany(static i => Explain(i)!),
            IOException { InnerException: { } inner } when Explain(inner) is { } why => why,
            SocketException or IOException =>
            [
                $"{e.Message.TrimEnd('.')}; free the address, or set listen and management to others",
            ],
            _ => null,
        };
}
