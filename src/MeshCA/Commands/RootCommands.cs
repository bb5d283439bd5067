using System.CommandLine;

namespace MeshCA.Commands;

/// <summary>The tree of commands.</summary>
internal static class RootCommands
{
    public static RootCommand Build() =>
        new("A SPIFFE certificate authority and Envoy secret server.") { ConfigCommands.Build() };
}
