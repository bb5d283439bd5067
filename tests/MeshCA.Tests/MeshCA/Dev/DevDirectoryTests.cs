using MeshCA.Dev;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Dev;

public sealed class DevDirectoryTests : IDisposable
{
    private const UnixFileMode Mode0755 =
        UnixFileMode.UserRead
        | UnixFileMode.UserWrite
        | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead
        | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead
        | UnixFileMode.OtherExecute;

    private readonly DirectoryInfo _dir = Directory.CreateTempSubdirectory("meshca-");

    private string Demo => Path.Combine(_dir.FullName, "demo");

    [Fact]
    public void Open_New_Is0755AndHasTheDefaultTrustDomain()
    {
        using var dev = DevDirectory.Open(Demo, wanted: null);

        Assert.Equal(Mode0755, File.GetUnixFileMode(Demo));
        Assert.Equal("example.org", dev.TrustDomain.Name);
        Assert.All(
            Directory.EnumerateFiles(Demo),
            static f => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(f))
        );
    }

    [Fact]
    public void Open_Again_KeepsTheTrustDomain()
    {
        DevDirectory.Open(Demo, TrustDomain.Parse("demo.test")).Dispose();

        using var again = DevDirectory.Open(Demo, wanted: null);

        Assert.Equal("demo.test", again.TrustDomain.Name);
    }

    [Fact]
    public void Open_AnotherTrustDomain_IsRefused()
    {
        DevDirectory.Open(Demo, TrustDomain.Parse("demo.test")).Dispose();

        var e = Assert.Throws<MeshCaException>(() => DevDirectory.Open(Demo, TrustDomain.Parse("other.test")));

        Assert.Contains("its trust domain is demo.test", e.Message, StringComparison.Ordinal);
        DevDirectory.Open(Demo, wanted: null).Dispose();
    }

    [Fact]
    public void Open_Twice_IsRefused()
    {
        using var first = DevDirectory.Open(Demo, wanted: null);

        var e = Assert.Throws<MeshCaException>(() => DevDirectory.Open(Demo, wanted: null));

        Assert.Contains($"{Demo} cannot be used: another meshca dev runs there", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/tmp")]
    [InlineData("/dev/null")]
    public void Open_NotAFolderOfItsOwn_IsRefusedAndUntouched(string path)
    {
        var before = File.GetUnixFileMode(path);

        Assert.Throws<MeshCaException>(() => DevDirectory.Open(path, wanted: null));

        Assert.Equal(before, File.GetUnixFileMode(path));
    }

    public void Dispose() => _dir.Delete(recursive: true);
}
