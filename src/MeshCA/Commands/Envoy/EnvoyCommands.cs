using System.CommandLine;

namespace MeshCA.Commands.Envoy;

/// <summary><c>meshca envoy</c>.</summary>
internal static class EnvoyCommands
{
    public static Command Build() => new("envoy", "Envoy proxies") { BootstrapCommand.Build() };
}
