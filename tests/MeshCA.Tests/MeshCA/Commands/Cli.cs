using MeshCA.Commands;

namespace MeshCA.Tests.Commands;

/// <summary>The command line, run in this process.</summary>
internal static class Cli
{
    public static async Task<(int Code, string Out, string Err)> RunAsync(params IReadOnlyList<string> args)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        var code = await CommandLine.RunAsync(args, output, error);
        return (code, output.ToString(), error.ToString());
    }
}
