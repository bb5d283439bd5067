namespace MeshCA.EndToEndTests.Parts;

/// <summary>A short path (Unix sockets take 108 bytes) that other uids can reach; removed at the end.</summary>
internal sealed class TestDirectory : IDisposable
{
    private const UnixFileMode Readable =
        UnixFileMode.UserRead
        | UnixFileMode.UserWrite
        | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead
        | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead
        | UnixFileMode.OtherExecute;

    public TestDirectory()
    {
        Path = Directory.CreateTempSubdirectory("meshca-").FullName;
        File.SetUnixFileMode(Path, Readable);
    }

    public string Path { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a file that other uids can read.</summary>
    public string Write(string name, string content)
    {
        var path = this[name];
        File.WriteAllText(path, content);
        File.SetUnixFileMode(
            path,
            Readable & ~(UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)
        );
        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
