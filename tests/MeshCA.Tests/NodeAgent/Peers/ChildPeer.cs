using System.Diagnostics;
using System.Net.Sockets;
using MeshCA.NodeAgent.Peers;

namespace MeshCA.Tests.NodeAgent.Peers;

/// <summary>A child process that connects to a Unix socket, and this end of the connection.</summary>
internal sealed class ChildPeer : IAsyncDisposable
{
    // Reads lines: "exec" becomes another program with the connection still open; the end of input ends it.
    private const string Script =
        "use Socket; $^F = 255; socket(S, PF_UNIX, SOCK_STREAM, 0) or die; connect(S, sockaddr_un($ARGV[0])) or die $!;"
        + " while (<STDIN>) { exec '/bin/cat' if /exec/ }";

    private readonly Process _process;
    private readonly string _directory;

    private ChildPeer(Process process, Socket socket, string directory)
    {
        _process = process;
        _directory = directory;
        Socket = socket;
        Peer = Peer.Of(socket);
    }

    public Socket Socket { get; }

    public Peer Peer { get; }

    public int Pid => _process.Id;

    public static string Perl => "/usr/bin/perl";

    /// <summary>Starts perl, or its copy <paramref name="executable"/>, by way of <paramref name="prefix"/> such as setpriv.</summary>
    public static async Task<ChildPeer> StartAsync(
        CancellationToken ct,
        string[]? prefix = null,
        string? executable = null
    )
    {
        Assert.SkipUnless(File.Exists(Perl), "no perl here");
        var directory = Directory.CreateTempSubdirectory("meshca-peer-");
        File.SetUnixFileMode(directory.FullName, (UnixFileMode)0b111_101_101);
        var path = Path.Combine(directory.FullName, "s");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        File.SetUnixFileMode(path, (UnixFileMode)0b110_110_110);
        listener.Listen();
        string[] command = [.. prefix ?? [], executable ?? Perl, "-e", Script, path];
        var process = Process.Start(
            new ProcessStartInfo(command[0], command[1..])
            {
                RedirectStandardInput = true,
                UseShellExecute = false,
                WorkingDirectory = "/",
            }
        )!;
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(ct);
        timeout.CancelAfter(TimeSpan.FromSeconds(10));
        return new(process, await listener.AcceptAsync(timeout.Token), directory.FullName);
    }

    /// <summary>Becomes another program, with the same PID and connection.</summary>
    public async Task ExecAsync(CancellationToken ct)
    {
        await _process.StandardInput.WriteAsync("exec\n".AsMemory(), ct);
        await _process.StandardInput.FlushAsync(ct);
        while (!File.ResolveLinkTarget($"/proc/{Pid}/exe", false)!.Name.StartsWith("cat", StringComparison.Ordinal))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, ct);
        }
    }

    public async Task EndAsync(CancellationToken ct)
    {
        _process.Kill();
        await _process.WaitForExitAsync(ct);
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Peer.Dispose();
        Socket.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
