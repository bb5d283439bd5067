using System.Threading.Channels;

namespace MeshCA.NodeAgent;

/// <summary>An event that one waiter resets by taking it; set twice before that, it counts once.</summary>
internal sealed class Signal
{
    private readonly Channel<bool> _channel = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true }
    );

    public void Set() => _channel.Writer.TryWrite(true);

    public async ValueTask WaitAsync(CancellationToken ct) => await _channel.Reader.ReadAsync(ct);

    /// <summary>The same, but at most for <paramref name="timeout"/>.</summary>
    public async ValueTask WaitAsync(TimeSpan timeout, TimeProvider time, CancellationToken ct)
    {
        if (_channel.Reader.TryRead(out _))
        {
            return;
        }

        if (timeout == Timeout.InfiniteTimeSpan)
        {
            await WaitAsync(ct);
            return;
        }

        using var ended = new CancellationTokenSource(timeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(ct, ended.Token);
        try
        {
            await _channel.Reader.ReadAsync(linked.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // Nothing came in time.
        }
    }
}
