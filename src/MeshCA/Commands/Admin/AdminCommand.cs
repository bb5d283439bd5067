using System.CommandLine;

namespace MeshCA.Commands.Admin;

/// <summary>Builds commands that speak the admin API: their shared options, and one place for their errors.</summary>
internal static class AdminCommand
{
    public static Command Create(
        string name,
        string description,
        IEnumerable<Symbol> arguments,
        Func<AdminCall, CancellationToken, Task<int>> run,
        params string[] formats
    )
    {
        formats = formats is [] ? OutputFormats.Usual : formats;
        var admin = new Option<string>("--admin")
        {
            Description = $"The server's admin API, unix:PATH or https://HOST:PORT; else {AdminAddress.Variable}",
            HelpName = "ADDRESS",
        };
        var output = new Option<string>("--output", "-o")
        {
            Description = string.Join(", ", formats),
            HelpName = "FORMAT",
            DefaultValueFactory = _ => formats[0],
        };
        output.AcceptOnlyFromAmong(formats);
        var command = new Command(name, description);
        foreach (var symbol in arguments)
        {
            switch (symbol)
            {
                case Option option:
                    command.Options.Add(option);
                    break;
                case Argument argument:
                    command.Arguments.Add(argument);
                    break;
            }
        }

        command.Options.Add(admin);
        command.Options.Add(output);
        command.SetAction((args, ct) => RunAsync(args, args.GetValue(admin), args.GetRequiredValue(output), run, ct));
        return command;
    }

    private static async Task<int> RunAsync(
        ParseResult args,
        string? address,
        string format,
        Func<AdminCall, CancellationToken, Task<int>> run,
        CancellationToken ct
    )
    {
        var (stdout, stderr) = (args.InvocationConfiguration.Output, args.InvocationConfiguration.Error);
        try
        {
            using var client = new AdminClient(AdminAddress.Find(address));
            return await run(new(args, client, format, stdout, stderr), ct);
        }
        catch (AdminException e)
        {
            await stderr.WriteLineAsync("error: " + e.Message);
            return e.ExitCode;
        }
    }
}
