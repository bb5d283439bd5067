using System.CommandLine;

namespace MeshCA.Commands.Admin;

/// <summary><c>meshca authority list|show</c>: roots and issuing authorities.</summary>
internal static class AuthorityCommands
{
    private const string Path = "/v1/authorities";

    public static Command Build() => new("authority", "Roots and issuing authorities") { List(), Show() };

    private static Command List() =>
        AdminCommand.Create(
            "list",
            "All authorities",
            [],
            async (call, ct) =>
            {
                await call.WriteListAsync(
                    await call.Client.ListAsync(Path, "", ct),
                    ("ID", "id"),
                    ("USE", "use"),
                    ("STATE", "state"),
                    ("SIGNER", "signer"),
                    ("KIND", "signerKind"),
                    ("NOT AFTER", "notAfter"),
                    ("PARENT", "parentId")
                );
                return 0;
            }
        );

    private static Command Show()
    {
        var id = new Argument<string>("ID") { Description = "The authority's id, as meshca authority list shows it" };
        return AdminCommand.Create(
            "show",
            "One authority; its certificate with -o pem",
            [id],
            async (call, ct) =>
            {
                var path = $"{Path}/{Uri.EscapeDataString(call.Args.GetRequiredValue(id))}";
                if (call.Format == OutputFormats.Pem)
                {
                    await call.Out.WriteAsync((await call.Client.GetAsync(path + "/certificate", ct, "*/*")).Body);
                }
                else
                {
                    await call.WriteAsync(await call.Client.GetJsonAsync(path, ct));
                }

                return 0;
            },
            [.. OutputFormats.Usual, OutputFormats.Pem]
        );
    }
}
