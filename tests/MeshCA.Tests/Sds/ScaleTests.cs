namespace MeshCA.Tests.Sds;

public sealed class ScaleTests
{
    [Fact]
    public async Task ThousandStreams_OnOneConnection_AllGetTheUpdateOnce()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await SdsHost.StartAsync(ct);
        var client = host.Connect();
        var streams = Enumerable
            .Range(0, 1_000)
            .Select(_ => new SotwClient(client.StreamSecrets(cancellationToken: ct), ct))
            .ToList();
        foreach (var stream in streams)
        {
            await stream.AskAsync("default", "ROOTCA");
        }

        foreach (var stream in streams)
        {
            await stream.NextAsync();
            await stream.AckAsync("default", "ROOTCA");
        }

        await Eventually.TrueAsync(() => host.Server.GetStatus().Subscriptions is [{ Acked: 1_000 }, { Acked: 1_000 }]);

        var rotated = host.Own.Identity("/workload");
        host.SetIdentities(rotated);

        foreach (var stream in streams)
        {
            SecretText.IsIdentity(rotated, (await stream.NextSecretsAsync())["default"]);
        }

        await Task.WhenAll(streams.Select(s => s.QuietAsync()));
    }
}
