using MeshCA.Spiffe;

namespace MeshCA.Hosting;

/// <summary>The folder where a server or agent keeps its keys and its store.</summary>
internal static class DataDirectory
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Foreign = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    /// <summary>Makes it, 0700 whatever the umask, or checks the one that is there.</summary>
    /// <exception cref="MeshCaException">It cannot be used; says why and what to do.</exception>
    public static void Open(string path, UnixFileMode whenMade = Private)
    {
        try
        {
            if (File.Exists(path))
            {
                throw Refuse(path, "it is a file; remove it, or set dataDir to a folder");
            }

            if (!Directory.Exists(path))
            {
                Directory.CreateDirectory(path, Private);
                File.SetUnixFileMode(path, whenMade);
            }

            if ((File.GetUnixFileMode(path) & Foreign) != UnixFileMode.None)
            {
                throw Refuse(path, $"others may write in it, and so swap its keys; run chmod go-w {path}");
            }

            var probe = Path.Combine(path, ".probe");
            File.WriteAllBytes(probe, []);
            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Refuse(
                path,
                $"{e.Message.TrimEnd('.')}; let this user write there, or set dataDir to another folder",
                e
            );
        }
    }

    private static MeshCaException Refuse(string path, string why, Exception? cause = null) =>
        new(ErrorKind.FailedPrecondition, $"data directory {path} cannot be used: {why}", cause);
}
