using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace MeshCA.NodeAgent.Peers;

/// <summary>Keeps one uid from taking all descriptors and memory: bounds for each, so that nobody starves others.</summary>
internal sealed partial class PeerLimits(ILogger<PeerLimits> logger)
{
    public const int ConnectionsPerUid = 1_000;
    public const int StreamsPerUid = 20_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<uint, Counts> _counts = [];

    /// <summary>Warned about already, until they hold nothing: a flood of refusals must not become a flood of log lines.</summary>
    private readonly HashSet<uint> _warned = [];

    public bool TryAddConnection(uint uid) => TryAdd(uid, new(1, 0));

    public void RemoveConnection(uint uid) => Add(uid, new(-1, 0));

    /// <summary>Counts a call until the answer is disposed; null if the uid has too many.</summary>
    public IDisposable? TryAddStream(uint uid) => TryAdd(uid, new(0, 1)) ? new StreamCount(this, uid) : null;

    private bool TryAdd(uint uid, Counts more)
    {
        lock (_lock)
        {
            var counts = _counts.GetValueOrDefault(uid) + more;
            if (counts is { Connections: <= ConnectionsPerUid, Streams: <= StreamsPerUid })
            {
                _counts[uid] = counts;
                return true;
            }

            if (!_warned.Add(uid))
            {
                return false;
            }
        }

        LogRefused(uid, ConnectionsPerUid, StreamsPerUid);
        return false;
    }

    private void Add(uint uid, Counts more)
    {
        lock (_lock)
        {
            var counts = _counts[uid] + more;
            if (counts == default)
            {
                _counts.Remove(uid);
                _warned.Remove(uid);
            }
            else
            {
                _counts[uid] = counts;
            }
        }
    }

    [LoggerMessage(
        LogLevel.Warning,
        "Refused uid {Uid}: it already holds {MaxConnections} connections or {MaxStreams} streams; let its processes share them"
    )]
    private partial void LogRefused(uint uid, int maxConnections, int maxStreams);

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Counts(int Connections, int Streams)
    {
        public static Counts operator +(Counts a, Counts b) =>
            new(a.Connections + b.Connections, a.Streams + b.Streams);
    }

    private sealed class StreamCount(PeerLimits limits, uint uid) : IDisposable
    {
        private bool _disposed;

        public void Dispose()
        {
            if (!Interlocked.Exchange(ref _disposed, true))
            {
                limits.Add(uid, new(0, -1));
            }
        }
    }
}
