using System.Diagnostics;

namespace MeshCA.EndToEndTests.Parts;

/// <summary>Waits for what real processes do in their own time.</summary>
internal static class Eventually
{
    private static readonly TimeSpan _step = TimeSpan.FromMilliseconds(20);

    public static Task TrueAsync(
        Func<bool> condition,
        TimeSpan timeout,
        Func<string> otherwise,
        CancellationToken ct
    ) => TrueAsync(() => Task.FromResult(condition()), timeout, otherwise, ct);

    public static async Task TrueAsync(
        Func<Task<bool>> condition,
        TimeSpan timeout,
        Func<string> otherwise,
        CancellationToken ct
    )
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            if (clock.Elapsed > timeout)
            {
                Assert.Fail(otherwise());
            }

            await Task.Delay(_step, TimeProvider.System, ct);
        }
    }
}
