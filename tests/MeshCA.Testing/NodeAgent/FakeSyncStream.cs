using System.Threading.Channels;
using MeshCA.Protos.V1;

namespace MeshCA.Testing.NodeAgent;

/// <summary>What the fake server has to send on one agent's stream.</summary>
internal sealed class FakeSyncStream
{
    private readonly Channel<SyncResponse> _messages = Channel.CreateUnbounded<SyncResponse>();

    public void Send(SyncResponse message) => _messages.Writer.TryWrite(message);

    public void End() => _messages.Writer.TryComplete();

    public IAsyncEnumerable<SyncResponse> ReadAllAsync(CancellationToken ct) => _messages.Reader.ReadAllAsync(ct);
}
