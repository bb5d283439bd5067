using System.CommandLine;

namespace MeshCA.Commands.Admin;

/// <summary>The commands that speak the admin API.</summary>
internal static class AdminCommands
{
    /// <summary>For the root command.</summary>
    public static IEnumerable<Command> All() =>
        [
            EntryCommands.Build(),
            TokenCommands.Build(),
            BundleCommands.Build(),
            AuthorityCommands.Build(),
            HealthCommand.Build(),
        ];

    /// <summary>For <c>meshca agent</c>, beside <c>agent run</c>.</summary>
    public static IEnumerable<Command> OfAgent() => AgentCommands.All();
}
