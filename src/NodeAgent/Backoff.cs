using System.Security.Cryptography;

namespace MeshCA.NodeAgent;

/// <summary>How long to wait after one failure after another: doubling, capped, spread by half so that agents do not come in step.</summary>
internal sealed class Backoff(TimeSpan first, TimeSpan max)
{
    private const int JitterSteps = 1_024;

    private readonly TimeSpan _first = first;

    private TimeSpan _next = first;

    /// <summary>For what a network hiccup breaks.</summary>
    public static Backoff ForServer() => new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5));

    public TimeSpan Next()
    {
        var delay = _next * (0.5 + (0.5 * RandomNumberGenerator.GetInt32(JitterSteps) / JitterSteps));
        _next = _next * 2 < max ? _next * 2 : max;
        return delay;
    }

    public void Reset() => _next = _first;
}
