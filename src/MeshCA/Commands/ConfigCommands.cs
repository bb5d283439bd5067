using System.CommandLine;
using MeshCA.Configuration;

namespace MeshCA.Commands;

/// <summary><c>meshca config</c>.</summary>
internal static class ConfigCommands
{
    /// <summary>The option of every command that reads a configuration file.</summary>
    public static Option<string> FileOption() =>
        new("--config", "-c")
        {
            Description = "The configuration file, YAML; docs/configuration.md has every key",
            HelpName = "FILE",
            Required = true,
        };

    public static Command Build() => new("config", "Configuration files") { Validate() };

    /// <summary>Prints warnings and errors; true when there is no error.</summary>
    public static async Task<bool> ReportAsync(ConfigErrors errors, TextWriter error)
    {
        foreach (var warning in errors.Warnings)
        {
            await error.WriteLineAsync("warning: " + warning);
        }

        foreach (var problem in errors.Errors)
        {
            await error.WriteLineAsync("error: " + problem);
        }

        return !errors.Any;
    }

    private static Command Validate()
    {
        var file = FileOption();
        var command = new Command(
            "validate",
            """
            Checks a server or agent configuration: exit 0, or 1 with every error, its place in the file and the remedy.

            Example:
              meshca config validate --config /etc/meshca/server.yaml
            """
        )
        {
            file,
        };
        command.SetAction(
            async (args, _) =>
            {
                var (output, error) = (args.InvocationConfiguration.Output, args.InvocationConfiguration.Error);
                var path = args.GetRequiredValue(file);
                var errors = new ConfigErrors(path);
                var kind = ConfigFile.Check(path, errors);
                if (!await ReportAsync(errors, error))
                {
                    return ExitCodes.Refused;
                }

                await output.WriteLineAsync($"{path}: a valid {kind} configuration");
                return ExitCodes.Done;
            }
        );
        return command;
    }
}
