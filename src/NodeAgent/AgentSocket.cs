using System.Net.Sockets;
using MeshCA.NodeAgent.Peers;
using MeshCA.Sds;
using MeshCA.Spiffe;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace MeshCA.NodeAgent;

/// <summary>The agent's Unix socket: where it lies, who may connect, and Kestrel's settings for it.</summary>
public static class AgentSocket
{
    private const UnixFileMode DirectoryMode =
        UnixFileMode.UserRead
        | UnixFileMode.UserWrite
        | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead
        | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead
        | UnixFileMode.OtherExecute;

    private const UnixFileMode SocketMode =
        UnixFileMode.UserRead
        | UnixFileMode.UserWrite
        | UnixFileMode.GroupRead
        | UnixFileMode.GroupWrite
        | UnixFileMode.OtherRead
        | UnixFileMode.OtherWrite;

    /// <summary>Adds the socket to the agent's Kestrel; the services must have come from <c>AddNodeAgent</c>.</summary>
    public static void Configure(KestrelServerOptions kestrel, AgentOptions options)
    {
        UnixSocketHttp.Configure(kestrel);
        kestrel.ListenUnixSocket(
            options.SocketPath,
            listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                listen.UsePeerCredentials();
            }
        );
    }

    /// <summary>
    /// A bound socket at <paramref name="path"/> with exactly <paramref name="mode"/> whatever the umask. The parent directory
    /// is made, 0755, if missing. A socket on which nobody answers is replaced; anything else there is refused.
    /// </summary>
    /// <param name="path">Absolute.</param>
    /// <param name="mode">Of the socket's file.</param>
    /// <param name="setting">The configuration key that names the path, for the remedy.</param>
    /// <exception cref="MeshCaException">The path cannot be used; says why and what to do.</exception>
    public static Socket Bind(string path, UnixFileMode mode, string setting)
    {
        try
        {
            MakeDirectory(Path.GetDirectoryName(path)!);
            RemoveStale(path, setting);
            var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(new UnixDomainSocketEndPoint(path));

            // Nobody can connect before Listen, so the mode of the moment in between does not matter.
            File.SetUnixFileMode(path, mode);
            return socket;
        }
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException or SocketException or ArgumentException)
        {
            throw new MeshCaException(
                ErrorKind.FailedPrecondition,
                $"socket {path} cannot be opened: {e.Message.TrimEnd('.')}; set {setting}: to a path of at most 107 bytes that this user may write",
                e
            );
        }
    }

    internal static Socket Bind(string path) => Bind(path, SocketMode, "socket");

    internal static void UseBind(SocketTransportOptions transport, AgentOptions options)
    {
        var others = transport.CreateBoundListenSocket;
        transport.CreateBoundListenSocket = endPoint =>
            endPoint is UnixDomainSocketEndPoint && endPoint.ToString() == options.SocketPath
                ? Bind(options.SocketPath)
                : others(endPoint);
    }

    private static void MakeDirectory(string directory)
    {
        if (Directory.Exists(directory))
        {
            return;
        }

        if (Path.GetDirectoryName(directory) is { } parent)
        {
            MakeDirectory(parent);
        }

        Directory.CreateDirectory(directory);
        File.SetUnixFileMode(directory, DirectoryMode);
    }

    private static void RemoveStale(string path, string setting)
    {
        switch (FileIdentity.KindOf(path))
        {
            case FileKind.None:
                return;
            case FileKind.Socket when Answers(path):
                throw Refuse(path, setting, "another process answers on it; stop that one first");
            case FileKind.Socket:
                File.Delete(path);
                return;
            case FileKind.Link:
                throw Refuse(path, setting, "it is a symbolic link, which could lead anywhere; remove it");
            default:
                throw Refuse(path, setting, "there is something that is no socket; remove it");
        }
    }

    private static bool Answers(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            return false;
        }
    }

    private static MeshCaException Refuse(string path, string setting, string why) =>
        new(ErrorKind.FailedPrecondition, $"socket {path} cannot be opened: {why}, or set {setting}: to another path");
}
