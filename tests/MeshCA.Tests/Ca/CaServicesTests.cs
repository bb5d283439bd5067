using MeshCA.Ca;
using MeshCA.Spiffe;
using MeshCA.Tests.Ca.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MeshCA.Tests.Ca;

public sealed class CaServicesTests
{
    [Fact]
    public async Task Start_EmptyDirectory_IsReady()
    {
        var ct = TestContext.Current.CancellationToken;
        var directory = Directory.CreateTempSubdirectory("meshca-start-");
        await using (var app = Build(directory.FullName))
        {
            var readiness = app.Services.GetRequiredService<CaReadiness>();
            Assert.False(readiness.IsReady);

            await app.StartAsync(ct);

            Assert.True(readiness.IsReady);
            Assert.All(readiness.Components, status => Assert.Equal(ComponentState.Ok, status.State));
            await app.StopAsync(ct);
        }

        directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Start_DirectoryNotWritable_EndsWithTheReason()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var app = Build("/proc/meshca");

        var error = await Assert.ThrowsAsync<MeshCaException>(() => app.StartAsync(ct));

        Assert.Equal(ErrorKind.FailedPrecondition, error.Kind);
        Assert.Contains("cannot be opened for writing", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Readiness_OneDown_IsNotReadyButADegradedOneIs()
    {
        var readiness = new CaReadiness();
        readiness.Set(CaReadiness.Store, ComponentState.Ok);
        readiness.Set(CaReadiness.Authority, ComponentState.Ok);
        Assert.False(readiness.IsReady);
        readiness.Set(CaReadiness.ServerSvid, ComponentState.Ok);
        readiness.Set(CaReadiness.RootSigner, ComponentState.Degraded, "no answer");
        Assert.True(readiness.IsReady);

        readiness.Set(CaReadiness.Authority, ComponentState.Down, "it has ended");

        Assert.False(readiness.IsReady);
        Assert.Contains(new ComponentStatus("rootSigner", ComponentState.Degraded, "no answer"), readiness.Components);
    }

    private static WebApplication Build(string directory)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddCa(StoreFixture.NewOptions(directory));
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        return builder.Build();
    }
}
