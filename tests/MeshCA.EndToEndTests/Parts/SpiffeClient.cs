using System.Text.Json.Nodes;

namespace MeshCA.EndToEndTests.Parts;

/// <summary>The reference client library as a command, run as any uid.</summary>
internal static class SpiffeClient
{
    /// <summary>Where its launcher unpacks it: a folder that every uid of a test may read.</summary>
    private static readonly string _cache = Path.Combine(Path.GetTempPath(), "meshca-e2e-spiffe-client");

    public static async Task<Program> StartAsync(int? uid, IEnumerable<string> arguments, CancellationToken ct)
    {
        await UnpackAsync(ct);
        return Program.Start(RealPart.SpiffeClient, arguments, uid, Environment());
    }

    public static async Task<(int Code, List<JsonObject> Lines, string Err)> RunAsync(
        int? uid,
        IEnumerable<string> arguments,
        CancellationToken ct
    )
    {
        await UnpackAsync(ct);
        var (code, stdout, stderr) = await Program.RunAsync(RealPart.SpiffeClient, arguments, ct, uid, Environment());
        return (code, [.. Json(stdout.Split('\n'))], stderr);
    }

    public static IEnumerable<JsonObject> Json(IEnumerable<string> lines) =>
        lines.Where(static l => l.StartsWith('{')).Select(static l => JsonNode.Parse(l)!.AsObject());

    private static Dictionary<string, string> Environment() =>
        new(StringComparer.Ordinal) { ["SPIFFE_CLIENT_CACHE"] = _cache };

    private static async Task UnpackAsync(CancellationToken ct)
    {
        Directory.CreateDirectory(_cache);
        // Wrong usage ends it at once, with the program unpacked.
        await Program.RunAsync(RealPart.SpiffeClient, [], ct, environment: Environment());
    }
}
