using System.CommandLine;
using System.Text.Json.Nodes;

namespace MeshCA.Commands.Admin;

/// <summary><c>meshca token …</c>: join tokens for new agents.</summary>
internal static class TokenCommands
{
    public static Command Build() => new("token", "Join tokens, with which an agent attests itself once") { Create() };

    private static Command Create()
    {
        var ttl = new Option<string>("--ttl")
        {
            Description = "How long it can be redeemed, such as 10m (the default)",
        };
        return AdminCommand.Create(
            "create",
            "Make a join token; it works once",
            [ttl],
            async (call, ct) =>
            {
                var body = new JsonObject();
                if (call.Args.GetValue(ttl) is { } value)
                {
                    body["ttl"] = value;
                }

                var token = (await call.Client.PostAsync("/v1/join-tokens", body, ct)).Json();
                if (call.Format == OutputFormats.Table)
                {
                    // The token alone, so that $(meshca token create) works.
                    await call.Out.WriteLineAsync((string?)token["token"]);
                }
                else
                {
                    await call.WriteAsync(token);
                }

                return 0;
            }
        );
    }
}
