using MeshCA.Hosting;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Hosting;

public sealed class DataDirectoryTests : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly DirectoryInfo _dir = Directory.CreateTempSubdirectory("meshca-");

    [Fact]
    public void Open_Missing_IsMadePrivate()
    {
        var path = Path.Combine(_dir.FullName, "a", "b");

        DataDirectory.Open(path);

        Assert.Equal(Private, File.GetUnixFileMode(path));
        Assert.Empty(Directory.EnumerateFileSystemEntries(path));
    }

    [Fact]
    public void Open_File_IsRefused()
    {
        var path = Path.Combine(_dir.FullName, "f");
        File.WriteAllText(path, "x");

        var e = Assert.Throws<MeshCaException>(() => DataDirectory.Open(path));

        Assert.Contains($"{path} cannot be used: it is a file", e.Message, StringComparison.Ordinal);
        Assert.Equal("x", File.ReadAllText(path));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherWrite)]
    public void Open_OthersMayWrite_IsRefused(UnixFileMode mode)
    {
        File.SetUnixFileMode(_dir.FullName, Private | mode);

        var e = Assert.Throws<MeshCaException>(() => DataDirectory.Open(_dir.FullName));

        Assert.Contains("others may write in it", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_UnderAFile_IsRefused()
    {
        var file = Path.Combine(_dir.FullName, "f");
        File.WriteAllText(file, "x");

        Assert.Throws<MeshCaException>(() => DataDirectory.Open(Path.Combine(file, "data")));
    }

    /// <summary>/proc takes no files from anybody, root included.</summary>
    [Fact]
    public void Open_NotWritable_IsRefused()
    {
        var e = Assert.Throws<MeshCaException>(() => DataDirectory.Open("/proc"));

        Assert.Contains("data directory /proc cannot be used", e.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _dir.Delete(recursive: true);
}
