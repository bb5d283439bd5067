using System.CommandLine;
using MeshCA.Commands.Admin;
using MeshCA.Commands.Envoy;
using MeshCA.Commands.Svid;

namespace MeshCA.Commands;

/// <summary>The tree of commands.</summary>
internal static class RootCommands
{
    public static RootCommand Build()
    {
        var root = new RootCommand("A SPIFFE certificate authority and Envoy secret server.");
        root.Subcommands.Add(DevCommand.Build());
        root.Subcommands.Add(RunCommands.BuildServer());
        root.Subcommands.Add(RunCommands.BuildAgent());
        root.Subcommands.Add(ConfigCommands.Build());
        foreach (var command in AdminCommands.All())
        {
            root.Subcommands.Add(command);
        }

        root.Subcommands.Add(SvidCommands.Build());
        root.Subcommands.Add(EnvoyCommands.Build());
        return root;
    }
}
