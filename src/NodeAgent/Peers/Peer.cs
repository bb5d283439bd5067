using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace MeshCA.NodeAgent.Peers;

/// <summary>The process at the other end of a connection, pinned so that its PID cannot come to mean another one.</summary>
public sealed class Peer : IDisposable
{
    private const int SolSocket = 1;
    private const int SoPeerPidfd = 77;
    private const int ENoProtoOpt = 92;

    private readonly SafeFileHandle? _pidfd;
    private readonly bool _gone;
    private readonly ulong _startTime;

    private Peer(PeerCredentials credentials, SafeFileHandle? pidfd, ulong startTime, bool gone)
    {
        Credentials = credentials;
        ExePath = $"/proc/{credentials.Pid}/exe";
        EncodedExePath = FileIdentity.EncodePath(ExePath);
        _pidfd = pidfd;
        _startTime = startTime;
        _gone = gone;
    }

    public PeerCredentials Credentials { get; }

    /// <summary>
    /// Whether the process that connected still lives. Check it after anything was read from <c>/proc</c>: what was read
    /// before is then its own.
    /// </summary>
    public bool IsAlive => !_gone && (_pidfd is not null ? !Native.IsReadable(_pidfd) : HasSameStart());

    /// <summary>Where the kernel shows the executable.</summary>
    internal string ExePath { get; }

    internal byte[] EncodedExePath { get; }

    /// <summary>What attestation of this connection found last.</summary>
    internal Attestation.AttestedProcess? Attested { get; set; }

    public void Dispose() => _pidfd?.Dispose();

    /// <summary>Pins the peer of a connected Unix socket.</summary>
    internal static Peer Of(Socket socket)
    {
        var credentials = PeerCredentials.Read(socket);

        // 1. The descriptor that the kernel kept since the connect: exact (Linux 6.5).
        Span<byte> fd = stackalloc byte[sizeof(int)];
        try
        {
            if (socket.GetRawSocketOption(SolSocket, SoPeerPidfd, fd) == fd.Length)
            {
                return new(credentials, new SafeFileHandle(BitConverter.ToInt32(fd), ownsHandle: true), 0, gone: false);
            }
        }
        catch (SocketException e) when (e.NativeErrorCode != ENoProtoOpt)
        {
            return new(credentials, null, 0, gone: true);
        }
        catch (SocketException)
        {
            // An older kernel.
        }

        return OnOlderKernel(credentials);
    }

    /// <summary>For kernels without SO_PEERPIDFD: what holds the PID now, provided that it started before the connect.</summary>
    internal static Peer OnOlderKernel(PeerCredentials credentials)
    {
        // 2. A descriptor opened now (Linux 5.3). 3. Without one, the start time, which a successor does not share.
        var pidfd = Native.OpenPidfd(credentials.Pid, out var error);
        var startTime = ProcessStart.Read(credentials.Pid);
        var gone = startTime is null || (pidfd is null && error != Native.ENoSys) || startTime > ProcessStart.Now;
        return new(credentials, pidfd, startTime ?? 0, gone);
    }

    private bool HasSameStart() => ProcessStart.Read(Credentials.Pid) == _startTime;
}
