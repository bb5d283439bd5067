using System.CommandLine;
using System.Text.Json.Nodes;

namespace MeshCA.Commands.Admin;

/// <summary><c>meshca health</c>: whether the server can do its work, component by component.</summary>
internal static class HealthCommand
{
    public static Command Build() =>
        AdminCommand.Create(
            "health",
            "Whether the server can do its work; exit 1 if not",
            [],
            async (call, ct) =>
            {
                var health = await call.Client.GetJsonAsync("/v1/health", ct);
                if (call.Format == OutputFormats.Table)
                {
                    var components = new JsonArray();
                    foreach (var item in health["components"]?.AsArray() ?? [])
                    {
                        components.Add(item?.DeepClone());
                    }

                    await call.Out.WriteLineAsync((string?)health["status"]);
                    await call.WriteListAsync(
                        components,
                        ("COMPONENT", "name"),
                        ("STATUS", "status"),
                        ("DETAIL", "detail")
                    );
                }
                else
                {
                    await call.WriteAsync(health);
                }

                return (string?)health["status"] == "unhealthy" ? ExitCodes.Refused : 0;
            }
        );
}
