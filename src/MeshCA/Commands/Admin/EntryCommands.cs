using System.CommandLine;
using System.Text.Json.Nodes;

namespace MeshCA.Commands.Admin;

/// <summary><c>meshca entry …</c>: who gets which SPIFFE ID.</summary>
internal static class EntryCommands
{
    private const string Path = "/v1/entries";

    public static Command Build() =>
        new("entry", "Registration entries: who gets which SPIFFE ID") { Create(), List(), Show(), Update(), Delete() };

    private static Command Create()
    {
        var fields = new EntryFields(required: true);
        var dryRun = DryRun();
        return AdminCommand.Create(
            "create",
            "Give a SPIFFE ID to every process that has all of the selectors",
            [.. fields.Symbols, dryRun],
            async (call, ct) =>
            {
                var body = new JsonObject();
                fields.Apply(call.Args, body);
                var created = await call.Client.PostAsync(Path + Query(call.Args.GetValue(dryRun)), body, ct);
                await call.WriteAsync(created.Json());
                return 0;
            }
        );
    }

    private static Command List()
    {
        var spiffeId = new Option<string>("--spiffe-id") { Description = "Only entries for this SPIFFE ID" };
        var selector = new Option<string>("--selector") { Description = "Only entries with this selector" };
        return AdminCommand.Create(
            "list",
            "All entries, the oldest first",
            [spiffeId, selector],
            async (call, ct) =>
            {
                var query = "";
                if (call.Args.GetValue(spiffeId) is { } id)
                {
                    query += "&spiffeId=" + Uri.EscapeDataString(id);
                }

                if (call.Args.GetValue(selector) is { } value)
                {
                    query += "&selector=" + Uri.EscapeDataString(value);
                }

                await call.WriteListAsync(
                    await call.Client.ListAsync(Path, query, ct),
                    ("ID", "id"),
                    ("SPIFFE ID", "spiffeId"),
                    ("SELECTORS", "selectors"),
                    ("TTL", "x509SvidTtl"),
                    ("PARENT", "parentId"),
                    ("HINT", "hint")
                );
                return 0;
            }
        );
    }

    private static Command Show()
    {
        var id = Id();
        return AdminCommand.Create(
            "show",
            "One entry",
            [id],
            async (call, ct) =>
            {
                await call.WriteAsync(await call.Client.GetJsonAsync(PathOf(call.Args.GetRequiredValue(id)), ct));
                return 0;
            }
        );
    }

    private static Command Update()
    {
        var id = Id();
        var fields = new EntryFields(required: false);
        var dryRun = DryRun();
        return AdminCommand.Create(
            "update",
            "Change what is given of an entry, and leave the rest",
            [id, .. fields.Symbols, dryRun],
            async (call, ct) =>
            {
                var path = PathOf(call.Args.GetRequiredValue(id));
                var present = await call.Client.GetAsync(path, ct);
                var entry = present.Json();
                if (!fields.Apply(call.Args, entry))
                {
                    throw new AdminException(
                        "nothing to change is given; see meshca entry update --help",
                        ExitCodes.Usage
                    );
                }

                // If-Match: what somebody else changed since we read it is not overwritten.
                var changed = await call.Client.PutAsync(
                    path + Query(call.Args.GetValue(dryRun)),
                    entry.ToJsonString(),
                    present.ETag,
                    ct
                );
                await call.WriteAsync(changed.Json());
                return 0;
            }
        );
    }

    private static Command Delete()
    {
        var ids = new Argument<string[]>("ID") { Description = "The entries' ids", Arity = ArgumentArity.OneOrMore };
        var dryRun = DryRun();
        return AdminCommand.Create(
            "delete",
            "Withdraw entries: their SVIDs are taken from every workload",
            [ids, dryRun],
            async (call, ct) =>
            {
                foreach (var id in call.Args.GetRequiredValue(ids))
                {
                    await call.Client.DeleteAsync(PathOf(id) + Query(call.Args.GetValue(dryRun)), ct);
                    await call.SayAsync($"deleted entry {id}");
                }

                return 0;
            }
        );
    }

    private static Argument<string> Id() => new("ID") { Description = "The entry's id" };

    private static Option<bool> DryRun() => new("--dry-run") { Description = "Check everything and store nothing" };

    private static string PathOf(string id) => $"{Path}/{Uri.EscapeDataString(id)}";

    private static string Query(bool dryRun) => dryRun ? "?dryRun=true" : "";
}
