using MeshCA.Hosting;
using MeshCA.Spiffe;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshCA.Tests.Hosting;

public sealed class RunningHostTests
{
    [Fact]
    public async Task Start_ServiceCannotBeMade_ThrowsWhy()
    {
        var host = Build(static services =>
            services.AddHostedService<Loop>(static _ => throw new MeshCaException(ErrorKind.FailedPrecondition, "why"))
        );

        var e = await Assert.ThrowsAsync<MeshCaException>(() =>
            RunningHost.StartAsync(host, TestContext.Current.CancellationToken)
        );

        Assert.Equal("why", e.Message);
    }

    [Fact]
    public async Task Start_LaterServiceFails_StopsTheEarlierOnes()
    {
        var loop = new Loop();
        var host = Build(services =>
        {
            services.AddHostedService(_ => loop);
            services.AddHostedService<Failing>();
        });

        await Assert.ThrowsAsync<MeshCaException>(() =>
            RunningHost.StartAsync(host, TestContext.Current.CancellationToken)
        );

        Assert.True(loop.IsStopped);
    }

    [Fact]
    public async Task Start_Cancelled_StopsWhatRuns()
    {
        using var signal = new CancellationTokenSource();
        var loop = new Loop { Started = signal.Cancel };
        var host = Build(services => services.AddHostedService(_ => loop));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunningHost.StartAsync(host, signal.Token));

        Assert.True(loop.IsStopped);
    }

    private static IHost Build(Action<IServiceCollection> services) =>
        HostFactory.Build(LogLevel.Warning, services, static _ => { }, static _ => { });

    private sealed class Loop : IHostedService
    {
        public Action Started { get; init; } = static () => { };

        public bool IsStopped { get; private set; }

        public Task StartAsync(CancellationToken cancellationToken)
        {
            Started();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken)
        {
            IsStopped = true;
            return Task.CompletedTask;
        }
    }

    private sealed class Failing : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) =>
            throw new MeshCaException(ErrorKind.FailedPrecondition, "why");

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
