using System.Text;
using MeshCA.Spiffe;

namespace MeshCA.Dev;

/// <summary>The folder of one <c>meshca dev</c>, held against a second one for as long as this object lives.</summary>
internal sealed class DevDirectory : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Shared =
        Private
        | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead
        | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead
        | UnixFileMode.OtherExecute;
    private const UnixFileMode Special = UnixFileMode.StickyBit | UnixFileMode.SetGroup | UnixFileMode.SetUser;

    private readonly FileStream _lock;

    private DevDirectory(string path, FileStream @lock, TrustDomain trustDomain) =>
        (Path, _lock, TrustDomain) = (path, @lock, trustDomain);

    public string Path { get; }

    public TrustDomain TrustDomain { get; }

    public string AgentDataDir => System.IO.Path.Combine(Path, "agent");

    public string AgentSocket => System.IO.Path.Combine(Path, "agent.sock");

    public string AdminSocket => System.IO.Path.Combine(Path, "admin.sock");

    public string Store => System.IO.Path.Combine(Path, "meshca.db");

    public string RootKey => System.IO.Path.Combine(Path, "keys", "root.pem");

    public string Bundle => System.IO.Path.Combine(Path, "bundle.pem");

    /// <summary>Makes it, or takes up the one that is there.</summary>
    /// <exception cref="MeshCaException">It is in use, is not a folder to be used so, or has another trust domain.</exception>
    public static DevDirectory Open(string path, TrustDomain? wanted)
    {
        try
        {
            Make(path);
            var held = Hold(path);
            try
            {
                return new(path, held, ReadTrustDomain(path, held, wanted));
            }
            catch
            {
                held.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Refuse(path, $"{e.Message.TrimEnd('.')}; name another folder with --dir", e);
        }
    }

    /// <summary>A file that only this user can read.</summary>
    public static void WritePrivate(string path, string content)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = Private,
        };
        using var file = new FileStream(path, options);
        File.SetUnixFileMode(file.SafeFileHandle, Private);
        file.Write(Encoding.UTF8.GetBytes(content));
    }

    public void Dispose() => _lock.Dispose();

    private static void Make(string path)
    {
        if (File.Exists(path))
        {
            throw Refuse(path, "it is a file; name a folder with --dir");
        }

        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        if (path == System.IO.Path.GetPathRoot(path) || path == home.TrimEnd('/'))
        {
            throw Refuse(path, "it becomes readable for all users; name a folder of its own with --dir");
        }

        if (Directory.Exists(path) && (File.GetUnixFileMode(path) & Special) != UnixFileMode.None)
        {
            throw Refuse(path, "it is shared with other users; name a folder of its own with --dir");
        }

        Directory.CreateDirectory(path);
        // Other users' workloads come through here to agent.sock.
        File.SetUnixFileMode(path, Shared);
    }

    /// <summary>The lock is the kernel's (flock): it ends with the process, however that ends.</summary>
    private static FileStream Hold(string path)
    {
        var file = System.IO.Path.Combine(path, "lock");
        try
        {
            var options = new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = Private,
            };
            return new(file, options);
        }
        catch (IOException e) when (File.Exists(file))
        {
            throw Refuse(path, "another meshca dev runs there; stop that one, or name another folder with --dir", e);
        }
    }

    private static TrustDomain ReadTrustDomain(string path, FileStream held, TrustDomain? wanted)
    {
        Span<byte> buffer = stackalloc byte[MeshCA.Spiffe.TrustDomain.MaxLength];
        var text = Encoding.UTF8.GetString(
            buffer[..held.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)]
        );
        if (MeshCA.Spiffe.TrustDomain.TryParse(text, out var stored))
        {
            return wanted is null || wanted == stored
                ? stored
                : throw Refuse(
                    path,
                    $"its trust domain is {stored}; leave --trust-domain out, or name another folder with --dir"
                );
        }

        var made = wanted ?? MeshCA.Spiffe.TrustDomain.Parse(DevOptions.DefaultTrustDomain);
        held.SetLength(0);
        held.Write(Encoding.UTF8.GetBytes(made.Name));
        held.Flush(flushToDisk: true);
        return made;
    }

    private static MeshCaException Refuse(string path, string why, Exception? cause = null) =>
        new(ErrorKind.FailedPrecondition, $"{path} cannot be used: {why}", cause);
}
