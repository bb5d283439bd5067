using System.CommandLine;
using MeshCA.Commands.Admin;
using MeshCA.Configuration;
using MeshCA.Hosting;

namespace MeshCA.Commands;

/// <summary><c>meshca server</c> and <c>meshca agent</c>.</summary>
internal static class RunCommands
{
    public static Command BuildServer() =>
        new("server", "The CA")
        {
            Build(
                """
                Runs the CA until SIGTERM or Ctrl-C.

                Example:
                  meshca server run --config /etc/meshca/server.yaml
                """,
                static (path, errors, level) =>
                    ConfigFile.LoadServer(path, errors) is { } options ? () => ServerHost.Build(options, level) : null
            ),
        };

    public static Command BuildAgent()
    {
        var agent = new Command("agent", "The node agent, and what the server knows of agents")
        {
            Build(
                """
                Runs the node agent until SIGTERM or Ctrl-C.

                Example:
                  meshca token create > /etc/meshca/token
                  meshca agent run --config /etc/meshca/agent.yaml
                """,
                static (path, errors, level) =>
                    ConfigFile.LoadAgent(path, errors) is { } options ? () => AgentHost.Build(options, level) : null
            ),
        };
        foreach (var command in AdminCommands.OfAgent())
        {
            agent.Subcommands.Add(command);
        }

        return agent;
    }

    /// <summary>The option of every command that runs a host.</summary>
    public static Option<LogLevel> LogLevelOption(LogLevel defaultLevel)
    {
        var option = new Option<LogLevel>("--log-level")
        {
            Description = "debug, information, warning or error",
            HelpName = "LEVEL",
            DefaultValueFactory = _ => defaultLevel,
        };
        option.AcceptOnlyFromAmong(StringComparer.OrdinalIgnoreCase, "debug", "information", "warning", "error");
        return option;
    }

    private static Command Build(string description, Func<string, ConfigErrors, LogLevel, Func<IHost>?> load)
    {
        var file = ConfigCommands.FileOption();
        var logLevel = LogLevelOption(LogLevel.Information);
        var command = new Command("run", description) { file, logLevel };
        command.SetAction(
            async (args, ct) =>
            {
                var error = args.InvocationConfiguration.Error;
                var errors = new ConfigErrors(args.GetRequiredValue(file));
                var build = load(errors.File, errors, args.GetValue(logLevel));
                return await ConfigCommands.ReportAsync(errors, error) && build is not null
                    ? await HostRunner.RunAsync(build, error, ct)
                    : ExitCodes.Refused;
            }
        );
        return command;
    }
}
