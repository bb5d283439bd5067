using System.CommandLine;
using MeshCA.Dev;
using MeshCA.Spiffe;

namespace MeshCA.Commands;

/// <summary><c>meshca dev</c>.</summary>
internal static class DevCommand
{
    private static readonly Option<string> _dir = new("--dir")
    {
        Description = "Where everything is kept; used again, it goes on from there",
        HelpName = "DIR",
        DefaultValueFactory = _ => ".meshca",
    };

    private static readonly Option<string> _trustDomain = new("--trust-domain")
    {
        Description = $"The trust domain of a new DIR (default: {DevOptions.DefaultTrustDomain})",
        HelpName = "NAME",
    };

    private static readonly Option<LogLevel> _logLevel = RunCommands.LogLevelOption(LogLevel.Warning);

    public static Command Build()
    {
        var command = new Command(
            "dev",
            """
            Server and agent in one process, for trying things out: prints 'ready' when this user has an identity, and
            runs until Ctrl-C.

            Examples:
              meshca dev
              meshca dev --dir /tmp/demo --trust-domain demo.test
            """
        )
        {
            _dir,
            _trustDomain,
            _logLevel,
        };
        command.SetAction(
            (args, ct) =>
                DevMode.RunAsync(
                    new(Path.GetFullPath(args.GetRequiredValue(_dir)), TrustDomain(args), args.GetValue(_logLevel)),
                    args.InvocationConfiguration.Output,
                    args.InvocationConfiguration.Error,
                    ct
                )
        );
        return command;
    }

    private static TrustDomain? TrustDomain(ParseResult args)
    {
        try
        {
            return args.GetValue(_trustDomain) is { } name ? Spiffe.TrustDomain.Parse(name) : null;
        }
        catch (FormatException e)
        {
            throw new UsageException($"--trust-domain: {e.Message}");
        }
    }
}
