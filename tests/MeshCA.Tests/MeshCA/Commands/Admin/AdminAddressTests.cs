using MeshCA.Commands;
using MeshCA.Commands.Admin;

namespace MeshCA.Tests.Commands.Admin;

public sealed class AdminAddressTests
{
    [Fact]
    public void Find_Option_WinsOverTheEnvironment()
    {
        var address = AdminAddress.Find("unix:/a.sock", "unix:/b.sock", []);

        Assert.Equal("/a.sock", address.SocketPath);
        Assert.Null(address.Https);
    }

    [Fact]
    public void Find_Environment_WinsOverTheUsualPlaces()
    {
        var file = Path.GetTempFileName();

        var address = AdminAddress.Find(null, "https://ca.example.org:8443", [file]);

        File.Delete(file);
        Assert.Equal(new Uri("https://ca.example.org:8443"), address.Https);
        Assert.Null(address.SocketPath);
    }

    [Fact]
    public void Find_UsualPlaces_TakesTheFirstThatExists()
    {
        var file = Path.GetTempFileName();

        var address = AdminAddress.Find(null, "", ["/nonexistent/admin.sock", file, "/"]);

        File.Delete(file);
        Assert.Equal(file, address.SocketPath);
    }

    [Fact]
    public void Find_Nothing_NamesEveryWay()
    {
        var error = Assert.Throws<AdminException>(static () => AdminAddress.Find(null, null, ["/no/a", "/no/b"]));

        Assert.Equal(
            "no server: name its admin socket with --admin unix:PATH (or https://HOST:PORT) or in MESHCA_ADMIN; "
                + "there is none at /no/a or /no/b",
            error.Message
        );
        Assert.Equal(ExitCodes.Usage, error.ExitCode);
    }

    [Theory]
    [InlineData("unix:/run/a.sock", "/run/a.sock")]
    [InlineData("unix:///run/a.sock", "/run/a.sock")]
    public void Find_UnixAddress_IsItsPath(string text, string path) =>
        Assert.Equal(path, AdminAddress.Find(text, null, []).SocketPath);

    [Fact]
    public void Find_RelativeUnixAddress_StartsAtTheWorkingDirectory() =>
        Assert.Equal(
            Path.Combine(Environment.CurrentDirectory, "demo/admin.sock"),
            AdminAddress.Find("unix:demo/admin.sock", null, []).SocketPath
        );
}
