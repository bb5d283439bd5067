using System.Net;
using System.Net.Sockets;
using MeshCA.NodeAgent.Peers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshCA.Tests.NodeAgent.Peers;

public sealed class PeerConnectionsTests
{
    [Fact]
    public async Task UsePeerCredentials_RemoteConnection_IsClosedWithoutAnAnswer()
    {
        var ct = TestContext.Current.CancellationToken;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l => l.UsePeerCredentials()));
        await using var app = builder.Build();
        app.MapGet("/", () => "secret");
        await app.StartAsync(ct);
        using var client = new TcpClient();

        var read = 0;
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, new Uri(app.Urls.Single()).Port, ct);
            await client.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray(), ct);
            read = await client.GetStream().ReadAsync(new byte[100], ct);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // A reset instead of an orderly end; it may come as early as the connect.
        }

        Assert.Equal(0, read);
    }
}
