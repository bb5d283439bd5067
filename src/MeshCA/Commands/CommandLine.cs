using System.CommandLine;
using System.CommandLine.Invocation;
using MeshCA.Configuration;
using MeshCA.Spiffe;

namespace MeshCA.Commands;

/// <summary>Parses and runs one command line; the one place where failures become text on stderr and an exit code.</summary>
internal static class CommandLine
{
    /// <summary>Long enough for a host to end its streams; then the process ends anyhow.</summary>
    private static readonly TimeSpan _terminationTimeout = TimeSpan.FromSeconds(20);

    public static async Task<int> RunAsync(IReadOnlyList<string> args, TextWriter output, TextWriter error)
    {
        var parsed = RootCommands.Build().Parse(args);
        if (parsed.Action is ParseErrorAction)
        {
            foreach (var problem in Problems(parsed))
            {
                await error.WriteLineAsync("error: " + problem);
            }

            await error.WriteLineAsync($"See '{PathOf(parsed)} --help'.");
            return ExitCodes.Usage;
        }

        var invocation = new InvocationConfiguration
        {
            Output = output,
            Error = error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = _terminationTimeout,
        };
        try
        {
            return await parsed.InvokeAsync(invocation);
        }
        catch (UsageException e)
        {
            await error.WriteLineAsync("error: " + e.Message);
            await error.WriteLineAsync($"See '{PathOf(parsed)} --help'.");
            return ExitCodes.Usage;
        }
        catch (MeshCaException e)
        {
            await error.WriteLineAsync("error: " + e.Message);
            return ExitCodes.Refused;
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Refused;
        }
        catch (Exception e)
        {
            // Nothing that we foresaw: whoever mends it needs all of it.
            await error.WriteLineAsync($"error: a defect of meshca; please report it\n{e}");
            return ExitCodes.Refused;
        }
    }

    /// <summary>After an unknown command everything else is unknown too: one error says it.</summary>
    private static IEnumerable<string> Problems(ParseResult parsed)
    {
        var commands = parsed.CommandResult.Command.Subcommands.Select(static c => c.Name).ToList();
        if (commands.Count == 0)
        {
            return parsed.Errors.Select(static e => e.Message);
        }

        return parsed.UnmatchedTokens is [var unknown, ..]
            ?
            [
                $"'{unknown}' is not a command here; "
                    + (Spelling.Nearest(unknown, commands) is { } near ? $"did you mean {near}" : Choices(commands)),
            ]
            : [$"a command is missing; {Choices(commands)}"];
    }

    private static string Choices(IEnumerable<string> commands) => "one of: " + string.Join(", ", commands);

    private static string PathOf(ParseResult parsed)
    {
        var names = new List<string>();
        for (
            var result = parsed.CommandResult;
            result is not null;
            result = result.Parent as System.CommandLine.Parsing.CommandResult
        )
        {
            names.Insert(0, result.Command is RootCommand ? "meshca" : result.Command.Name);
        }

        return string.Join(' ', names);
    }
}
