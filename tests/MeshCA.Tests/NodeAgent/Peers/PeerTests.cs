using System.Text;
using MeshCA.NodeAgent.Peers;

namespace MeshCA.Tests.NodeAgent.Peers;

public sealed class PeerTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Of_Child_HasItsPidAndLivesUntilItEnds()
    {
        await using var child = await ChildPeer.StartAsync(Ct);

        Assert.Equal(child.Pid, child.Peer.Credentials.Pid);
        Assert.True(child.Peer.IsAlive);
        await child.EndAsync(Ct);

        Assert.False(child.Peer.IsAlive);
    }

    [Fact]
    public async Task Of_PeerThatIsGoneAlready_IsNotAlive()
    {
        await using var child = await ChildPeer.StartAsync(Ct);
        await child.EndAsync(Ct);

        using var late = Peer.Of(child.Socket);

        Assert.False(late.IsAlive);
    }

    [Fact]
    public async Task OnOlderKernel_Child_IsPinnedByWhatThereIs()
    {
        await using var child = await ChildPeer.StartAsync(Ct);
        using var peer = Peer.OnOlderKernel(child.Peer.Credentials);

        Assert.True(peer.IsAlive);
        await child.EndAsync(Ct);

        Assert.False(peer.IsAlive);
        using var late = Peer.OnOlderKernel(child.Peer.Credentials);
        Assert.False(late.IsAlive);
    }

    [Theory]
    [InlineData("7 (x) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 1 1", 4711UL)]
    [InlineData("7 (a) b (c) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 1 1", 4711UL)]
    [InlineData("7 () ) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711", 4711UL)]
    [InlineData("7 (x) Z 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 1 1", null)]
    [InlineData("7 (x) X 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 1 1", null)]
    [InlineData("7 (x) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 x 1 1", null)]
    [InlineData("7 (x) S 1 7 7", null)]
    [InlineData("7 (x)", null)]
    [InlineData("7 x", null)]
    [InlineData("", null)]
    public void ProcessStart_Stat_GivesField22(string stat, ulong? start) =>
        Assert.Equal(start, ProcessStart.Parse(Encoding.ASCII.GetBytes(stat)));
}
