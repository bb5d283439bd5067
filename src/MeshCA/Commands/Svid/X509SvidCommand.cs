using System.CommandLine;
using System.Text.Json.Nodes;
using MeshCA.Commands.Admin;
using MeshCA.Spiffe;

namespace MeshCA.Commands.Svid;

/// <summary><c>meshca svid x509</c>.</summary>
internal static class X509SvidCommand
{
    private static readonly Option<string> _socket = SvidCommands.SocketOption();

    private static readonly Option<string> _format = SvidCommands.FormatOption(OutputFormats.Pem, OutputFormats.Json);

    private static readonly Option<string> _id = new("--spiffe-id")
    {
        Description = "Only this identity; else all, the default one first",
        HelpName = "ID",
    };

    private static readonly Option<string> _write = new("--write")
    {
        Description = "Also write svid.pem, key.pem (mode 0600) and bundle.pem of the identity into this folder",
        HelpName = "DIR",
    };

    private static readonly Option<string> _timeout = new("--timeout")
    {
        Description = "How long to wait for the agent",
        HelpName = "DURATION",
        DefaultValueFactory = _ => "10s",
    };

    public static Command Build()
    {
        var command = new Command(
            "x509",
            """
            This process's X509-SVIDs: for each the SPIFFE ID and the certificate chain, PEM. The private key is never
            printed; --write DIR puts it into a file.

            Examples:
              meshca svid x509 --socket /run/meshca/agent.sock
              meshca svid x509 --write ./id && openssl verify -CAfile id/bundle.pem id/svid.pem
              meshca svid x509 -o json | jq -r '.svids[].notAfter'
            """
        )
        {
            _socket,
            _id,
            _write,
            _timeout,
            _format,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult args, CancellationToken ct)
    {
        using var client = WorkloadClient.Open(args.GetValue(_socket));
        var wait = Options.Duration(args.GetRequiredValue(_timeout), _timeout.Name);
        var all = ReceivedSvid.All(await client.FetchX509SvidAsync(wait, ct));
        if (args.GetValue(_id) is { } wanted)
        {
            all = [.. all.Where(s => s.Svid.SpiffeId.ToString() == wanted)];
        }

        if (all.IsEmpty)
        {
            throw new MeshCaException(ErrorKind.NotFound, "the agent has no such identity for this process");
        }

        if (args.GetValue(_write) is { } directory)
        {
            SvidFiles.Write(directory, all[0]);
        }

        var text =
            args.GetRequiredValue(_format) == OutputFormats.Json
                ? OutputFormats.ToJson(
                    new JsonObject { ["svids"] = new JsonArray([.. all.Select(static s => s.ToJson())]) }
                )
                : string.Concat(all.Select(static s => $"{s.Svid.SpiffeId}\n{s.ChainPem}"));
        await args.InvocationConfiguration.Output.WriteAsync(text);
        return ExitCodes.Done;
    }
}
