using System.Collections.Immutable;
using System.Diagnostics;
using System.Net.Sockets;
using MeshCA.Ca;
using MeshCA.Ca.Rest;
using MeshCA.Hosting;
using MeshCA.Spiffe;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshCA.Tests.Hosting;

public sealed class AdminSocketTests : IDisposable
{
    private const int OtherUid = 24001;

    private readonly DirectoryInfo _dir = Directory.CreateTempSubdirectory("meshca-");

    [Fact]
    public async Task Socket_OwnUid_GetsThroughByName()
    {
        using var host = await StartAsync([]);

        Assert.Equal($"uid:{OwnProcess.Uid}", await GetAsync());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Socket));
    }

    [Fact]
    public async Task Socket_OtherUid_IsRefusedUnlessListed()
    {
        if (!Environment.IsPrivilegedProcess || !File.Exists("/usr/bin/setpriv"))
        {
            Assert.Skip("only root can connect as somebody else, with setpriv of util-linux");
        }

        File.SetUnixFileMode(_dir.FullName, File.GetUnixFileMode(_dir.FullName) | UnixFileMode.OtherExecute);
        // With another uid on the list the file lets everybody connect: what refuses then is the list.
        using (await StartAsync([OtherUid + 1]))
        {
            var (code, text) = await ConnectAsOtherAsync();
            Assert.Equal(1, code);
            Assert.Contains($"uid {OtherUid} may not use the admin socket", text, StringComparison.Ordinal);
        }

        using (await StartAsync([OtherUid]))
        {
            var (_, text) = await ConnectAsOtherAsync();
            Assert.DoesNotContain("may not use", text, StringComparison.Ordinal);
            Assert.DoesNotContain("permission denied", text, StringComparison.Ordinal);
        }

        using (await StartAsync([]))
        {
            var (code, text) = await ConnectAsOtherAsync();
            Assert.Equal(1, code);
            Assert.Contains("permission denied", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Socket_PathIsALink_IsRefused()
    {
        var victim = Path.Combine(_dir.FullName, "victim");
        await File.WriteAllTextAsync(victim, "x", TestContext.Current.CancellationToken);
        File.CreateSymbolicLink(Socket, victim);

        var e = await Assert.ThrowsAsync<MeshCaException>(() => StartAsync([]));

        Assert.Contains("symbolic link", e.Message, StringComparison.Ordinal);
        Assert.Contains("dataDir", e.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _dir.Delete(recursive: true);

    private string Socket => Path.Combine(_dir.FullName, "admin.sock");

    private async Task<IHost> StartAsync(ImmutableArray<uint> uids)
    {
        var options = new ServerOptions
        {
            TrustDomain = TrustDomain.Parse("example.org"),
            DataDir = _dir.FullName,
            AdminSocketUids = uids,
            SqlitePath = "",
            Signers = [],
            Authority = new() { RootSigner = "root", IssuingDirect = true },
        };
        var host = HostFactory.Build(
            LogLevel.Warning,
            services =>
            {
                services.AddAdminApi();
                AdminSocket.UseBind(services, options);
            },
            kestrel => AdminSocket.Listen(kestrel, options),
            app =>
                app.OnListener(
                    Listener.Admin,
                    branch =>
                    {
                        AdminSocket.RequireListedUid(branch, options);
                        branch.Run(static c => c.Response.WriteAsync(c.User.Identity!.Name!, c.RequestAborted));
                    }
                )
        );
        await host.StartAsync(TestContext.Current.CancellationToken);
        return host;
    }

    private async Task<string> GetAsync()
    {
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, ct) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), ct);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using var http = new HttpClient(handler);
        return await http.GetStringAsync("http://localhost/", TestContext.Current.CancellationToken);
    }

    /// <summary>Our own program as a client; the build puts it beside the tests.</summary>
    private async Task<(int Code, string Text)> ConnectAsOtherAsync()
    {
        var start = new ProcessStartInfo(
            "/usr/bin/setpriv",
            [
                $"--reuid={OtherUid}",
                $"--regid={OtherUid}",
                "--clear-groups",
                Path.Combine(AppContext.BaseDirectory, "meshca"),
                "health",
                "--admin",
                "unix:" + Socket,
            ]
        )
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        var ct = TestContext.Current.CancellationToken;
        var text = await Task.WhenAll(
            process.StandardError.ReadToEndAsync(ct),
            process.StandardOutput.ReadToEndAsync(ct)
        );
        await process.WaitForExitAsync(ct);
        return (process.ExitCode, string.Concat(text));
    }
}
