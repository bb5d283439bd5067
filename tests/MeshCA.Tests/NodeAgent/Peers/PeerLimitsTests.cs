using MeshCA.NodeAgent.Peers;
using Microsoft.Extensions.Logging.Testing;

namespace MeshCA.Tests.NodeAgent.Peers;

public sealed class PeerLimitsTests
{
    private readonly FakeLogger<PeerLimits> _logger = new();
    private readonly PeerLimits _limits;

    public PeerLimitsTests() => _limits = new(_logger);

    [Fact]
    public void Connections_OneUidHasTooMany_OthersStillConnect()
    {
        for (var i = 0; i < PeerLimits.ConnectionsPerUid; i++)
        {
            Assert.True(_limits.TryAddConnection(1));
        }

        Assert.False(_limits.TryAddConnection(1));
        Assert.True(_limits.TryAddConnection(2));
        _limits.RemoveConnection(1);

        Assert.True(_limits.TryAddConnection(1));
    }

    [Fact]
    public void Streams_TooMany_RefusedUntilOneEndsAndLoggedOnce()
    {
        var streams = new List<IDisposable?>();
        for (var i = 0; i < PeerLimits.StreamsPerUid; i++)
        {
            streams.Add(_limits.TryAddStream(1));
        }

        Assert.DoesNotContain(null, streams);
        Assert.Null(_limits.TryAddStream(1));
        Assert.Null(_limits.TryAddStream(1));
        Assert.Equal(1, _logger.Collector.Count);
        streams[0]!.Dispose();
        streams[0]!.Dispose();

        Assert.NotNull(_limits.TryAddStream(1));
        Assert.Null(_limits.TryAddStream(1));
    }
}
