using System.CommandLine;

namespace MeshCA.Commands.Svid;

/// <summary><c>meshca svid</c>: a Workload API client.</summary>
internal static class SvidCommands
{
    public static Command Build() =>
        new("svid", "A Workload API client") { X509SvidCommand.Build(), WatchCommand.Build() };

    /// <summary>The option of every command that speaks the Workload API.</summary>
    public static Option<string> SocketOption() =>
        new("--socket")
        {
            Description =
                $"The agent's socket, a path or unix:///PATH; else {WorkloadClient.Variable}, else {WorkloadClient.UsualSocket}",
            HelpName = "SOCKET",
        };

    public static Option<string> FormatOption(params string[] formats)
    {
        var option = new Option<string>("--output", "-o")
        {
            Description = string.Join(", ", formats),
            HelpName = "FORMAT",
            DefaultValueFactory = _ => formats[0],
        };
        option.AcceptOnlyFromAmong(formats);
        return option;
    }
}
