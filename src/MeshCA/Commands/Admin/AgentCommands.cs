using System.CommandLine;

namespace MeshCA.Commands.Admin;

/// <summary><c>meshca agent list|show|ban|unban|evict</c>.</summary>
internal static class AgentCommands
{
    private const string Path = "/v1/agents";

    /// <summary>For <c>meshca agent</c>, beside <c>run</c>.</summary>
    public static IEnumerable<Command> All() =>
        [
            List(),
            Show(),
            Act("ban", "banned", "Refuse an agent from now on: it gets no SVIDs and cannot attest again"),
            Act("unban", "unbanned", "Let a banned agent work again"),
            Act("evict", "evicted", "Forget an agent: it has to attest again"),
        ];

    private static Command List() =>
        AdminCommand.Create(
            "list",
            "All agents",
            [],
            async (call, ct) =>
            {
                await call.WriteListAsync(
                    await call.Client.ListAsync(Path, "", ct),
                    ("ID", "id"),
                    ("KIND", "attestation"),
                    ("VERSION", "version"),
                    ("CONNECTED", "connected"),
                    ("LAST SEEN", "lastSeen"),
                    ("BANNED", "banned")
                );
                return 0;
            }
        );

    private static Command Show()
    {
        var id = Id();
        return AdminCommand.Create(
            "show",
            "One agent",
            [id],
            async (call, ct) =>
            {
                await call.WriteAsync(await call.Client.GetJsonAsync(PathOf(call.Args.GetRequiredValue(id)), ct));
                return 0;
            }
        );
    }

    private static Command Act(string verb, string done, string description)
    {
        var id = Id();
        return AdminCommand.Create(
            verb,
            description,
            [id],
            async (call, ct) =>
            {
                var agent = call.Args.GetRequiredValue(id);
                await call.Client.PostAsync($"{PathOf(agent)}/{verb}", body: null, ct);
                await call.SayAsync($"{done} agent {agent}");
                return 0;
            }
        );
    }

    private static Argument<string> Id() => new("ID") { Description = "The agent's id, as meshca agent list shows it" };

    private static string PathOf(string id) => $"{Path}/{Uri.EscapeDataString(id)}";
}
