using Grpc.Core;
using MeshCA.Protos.Workload;

namespace MeshCA.Tests.NodeAgent;

/// <summary>The bars for many identities of one workload: soon all there, and few bytes sent for it.</summary>
public sealed class ManyIdentitiesTests : AgentTests
{
    [Theory]
    [InlineData(1_000, 0)]
    [InlineData(1_000, 1)]
    public async Task Stream_EntriesCreatedOneByOne_AllThereSoonWithFewBytes(int count, int everyMs)
    {
        await StartSyncedAgentAsync();
        Server.AddEntry("spiffe://example.org/web/first", OwnUidSelector);
        await WaitAsync(() => !Server.Reports.IsEmpty);
        await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Ct);
        using var call = FetchX509Svid();
        var response = await NextAsync(call);

        var reading = ReadUntilAsync(call, count + 1);
        for (var i = 0; i < count; i++)
        {
            Server.AddEntry($"spiffe://example.org/web/{i}", OwnUidSelector);
            if (everyMs > 0)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(everyMs), TimeProvider.System, Ct);
            }
        }

        var created = TimeProvider.System.GetTimestamp();
        var (bytes, last, messages) = await reading.WaitAsync(TimeSpan.FromSeconds(30), Ct);
        var late = TimeProvider.System.GetElapsedTime(created);

        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{count} entries, {messages} messages, {bytes} bytes = {(double)bytes / last:F1} x {last}, last {late.TotalMilliseconds:F0} ms after the last entry"
        );
        Assert.Single(response.Svids);
        Assert.True(bytes <= 5L * last, $"{bytes} bytes sent for {last}");
        Assert.True(late < TimeSpan.FromSeconds(10), $"{late}");
    }

    [Fact]
    public async Task Stream_LoneChange_ArrivesAtOnce()
    {
        Server.AddEntry("spiffe://example.org/web/first", OwnUidSelector);
        await StartSyncedAgentAsync();
        using var call = FetchX509Svid();
        await NextAsync(call);
        var times = new List<double>();
        for (var i = 0; i < 20; i++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, Ct);
            var started = TimeProvider.System.GetTimestamp();
            Server.AddEntry($"spiffe://example.org/web/{i}", OwnUidSelector);
            Assert.Equal(i + 2, (await NextAsync(call)).Svids.Count);
            times.Add(TimeProvider.System.GetElapsedTime(started).TotalMilliseconds);
        }

        times.Sort();
        TestContext.Current.TestOutputHelper!.WriteLine($"median {times[10]:F1} ms, longest {times[^1]:F1} ms");
        Assert.True(times[10] < 250, $"median {times[10]} ms");
    }

    [Fact]
    public async Task Stream_ManyEntriesFromTheStart_FirstMessageHasAll()
    {
        for (var i = 0; i < 500; i++)
        {
            Server.AddEntry($"spiffe://example.org/web/{i}", OwnUidSelector);
        }

        await StartSyncedAgentAsync();
        using var call = FetchX509Svid();

        // All or, on a slow machine, those of the first second; never one at a time.
        Assert.InRange((await NextAsync(call)).Svids.Count, 100, 500);
    }

    private static async Task<(long Bytes, long Last, int Messages)> ReadUntilAsync(
        AsyncServerStreamingCall<X509SVIDResponse> call,
        int count
    )
    {
        var (bytes, messages) = (0L, 0);
        while (true)
        {
            var response = await NextAsync(call);
            bytes += response.CalculateSize();
            messages++;
            if (response.Svids.Count == count)
            {
                return (bytes, response.CalculateSize(), messages);
            }
        }
    }
}
