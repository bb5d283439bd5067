using System.Net;
using System.Net.Sockets;

namespace MeshCA.EndToEndTests.Parts;

/// <summary>The program under test, run as a user runs it.</summary>
internal static class Meshca
{
    /// <summary>Beside the tests in the build's output, of the same configuration.</summary>
    public static string Binary
    {
        get
        {
            var own = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd('/'));
            var path =
                Environment.GetEnvironmentVariable("MESHCA_BIN")
                ?? Path.Combine(own.Parent!.Parent!.FullName, "MeshCA", own.Name, "meshca");
            Assert.True(File.Exists(path), $"{path} is not there: build src/MeshCA, or set MESHCA_BIN");
            return path;
        }
    }

    public static Task<(int Code, string Out, string Err)> RunAsync(
        CancellationToken ct,
        params IEnumerable<string> arguments
    ) => Program.RunAsync(Binary, arguments, ct);

    /// <summary>Runs it and demands exit 0.</summary>
    public static async Task<string> OkAsync(CancellationToken ct, params string[] arguments)
    {
        var (code, stdout, stderr) = await RunAsync(ct, arguments);
        Assert.True(code == 0, $"meshca {string.Join(' ', arguments)} ended with {code}\n{stdout}\n{stderr}");
        return stdout;
    }

    /// <summary>A port that was free a moment ago, for programs that cannot be asked which one they took.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
