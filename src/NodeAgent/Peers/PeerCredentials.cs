using System.Collections.Immutable;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace MeshCA.NodeAgent.Peers;

/// <summary>Who connected to a Unix socket, as the kernel noted it at connect time (SO_PEERCRED, SO_PEERGROUPS). The PID is
/// 0 if the peer has none in this process's PID namespace.</summary>
public sealed record PeerCredentials(int Pid, uint Uid, uint Gid, ImmutableArray<uint> SupplementaryGids)
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;
    private const int SoPeerGroups = 59;

    /// <summary>NGROUPS_MAX of Linux.</summary>
    private const int MaxGroups = 65_536;

    /// <summary>Reads the peer of a connected Unix socket.</summary>
    /// <exception cref="SocketException">The socket is not a connected Unix socket.</exception>
    public static PeerCredentials Read(Socket socket)
    {
        Span<byte> ucred = stackalloc byte[12];
        if (socket.AddressFamily != AddressFamily.Unix || socket.GetRawSocketOption(SolSocket, SoPeerCred, ucred) != 12)
        {
            throw new SocketException((int)SocketError.OperationNotSupported);
        }

        var fields = MemoryMarshal.Cast<byte, uint>(ucred);
        return new((int)fields[0], fields[1], fields[2], ReadGroups(socket));
    }

    private static ImmutableArray<uint> ReadGroups(Socket socket)
    {
        Span<byte> few = stackalloc byte[64 * sizeof(uint)];
        try
        {
            return ToGids(few[..socket.GetRawSocketOption(SolSocket, SoPeerGroups, few)]);
        }
        catch (SocketException)
        {
            // ERANGE: more groups than fit. (ENOPROTOOPT on a kernel before 4.13 fails again below.)
        }

        try
        {
            var many = new byte[MaxGroups * sizeof(uint)];
            return ToGids(many.AsSpan(0, socket.GetRawSocketOption(SolSocket, SoPeerGroups, many)));
        }
        catch (SocketException)
        {
            return [];
        }
    }

    private static ImmutableArray<uint> ToGids(ReadOnlySpan<byte> bytes) => [.. MemoryMarshal.Cast<byte, uint>(bytes)];
}
