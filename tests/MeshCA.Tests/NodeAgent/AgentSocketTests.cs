using System.Net.Sockets;
using MeshCA.NodeAgent;
using MeshCA.Spiffe;

namespace MeshCA.Tests.NodeAgent;

public sealed class AgentSocketTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("meshca-socket-").FullName;

    private string SocketPath => Path.Combine(_directory, "agent.sock");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Bind_DirectoriesMissing_MakesThemReachableByAll()
    {
        var path = Path.Combine(_directory, "a", "b", "agent.sock");

        using var socket = AgentSocket.Bind(path);

        Assert.Equal((UnixFileMode)0b110_110_110, File.GetUnixFileMode(path));
        Assert.Equal((UnixFileMode)0b111_101_101, File.GetUnixFileMode(Path.Combine(_directory, "a")));
        Assert.Equal((UnixFileMode)0b111_101_101, File.GetUnixFileMode(Path.Combine(_directory, "a", "b")));
    }

    [Fact]
    public void Bind_DirectoryIsThere_KeepsItsMode()
    {
        File.SetUnixFileMode(_directory, (UnixFileMode)0b111_000_000);

        using var socket = AgentSocket.Bind(SocketPath);

        Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(_directory));
    }

    [Fact]
    public void Bind_StaleSocket_IsReplaced()
    {
        // A socket file whose owner was killed: closing would remove it, so it is moved aside first.
        var aside = SocketPath + ".aside";
        using (var dead = AgentSocket.Bind(aside))
        {
            File.Move(aside, SocketPath);
        }

        Assert.True(File.Exists(SocketPath));
        using var socket = AgentSocket.Bind(SocketPath);
        socket.Listen();

        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(SocketPath));
        Assert.True(client.Connected);
    }

    [Fact]
    public void Bind_SomebodyAnswers_IsRefused()
    {
        using var other = AgentSocket.Bind(SocketPath);
        other.Listen();

        var refused = Assert.Throws<MeshCaException>(() => AgentSocket.Bind(SocketPath));

        Assert.Contains("another process answers", refused.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(SocketPath));
    }

    [Fact]
    public void Bind_Symlink_IsRefusedAndStays()
    {
        File.CreateSymbolicLink(SocketPath, Path.Combine(_directory, "elsewhere"));

        var refused = Assert.Throws<MeshCaException>(() => AgentSocket.Bind(SocketPath));

        Assert.Contains("symbolic link", refused.Message, StringComparison.Ordinal);
        Assert.NotNull(new FileInfo(SocketPath).LinkTarget);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Bind_FileOrDirectory_IsRefusedAndStays(bool directory)
    {
        if (directory)
        {
            Directory.CreateDirectory(SocketPath);
        }
        else
        {
            File.WriteAllText(SocketPath, "precious");
        }

        var refused = Assert.Throws<MeshCaException>(() => AgentSocket.Bind(SocketPath));

        Assert.Equal(ErrorKind.FailedPrecondition, refused.Kind);
        Assert.Contains("no socket", refused.Message, StringComparison.Ordinal);
        Assert.True(Path.Exists(SocketPath));
    }

    [Fact]
    public void Bind_PathTooLong_SaysSo()
    {
        var refused = Assert.Throws<MeshCaException>(() =>
            AgentSocket.Bind(Path.Combine(_directory, new string('x', 120)))
        );

        Assert.Contains("107 bytes", refused.Message, StringComparison.Ordinal);
    }
}
