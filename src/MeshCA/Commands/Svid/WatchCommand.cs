using System.CommandLine;
using System.Text.Json.Nodes;
using MeshCA.Protos.Workload;
using MeshCA.Spiffe;

namespace MeshCA.Commands.Svid;

/// <summary><c>meshca svid watch</c>.</summary>
internal static class WatchCommand
{
    private const string TextFormat = "text";
    private const string JsonFormat = "json";

    private static readonly TimeSpan _firstRetry = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _lastRetry = TimeSpan.FromSeconds(5);

    public static Command Build()
    {
        var socket = SvidCommands.SocketOption();
        var format = SvidCommands.FormatOption(TextFormat, JsonFormat);
        var command = new Command(
            "watch",
            """
            Prints this process's X509-SVIDs, and again whenever they change, until Ctrl-C: one line for each identity.
            When the agent goes away or has no identity for this process, it says so on stderr and tries again.

            Examples:
              meshca svid watch
              meshca svid watch -o json
            """
        )
        {
            socket,
            format,
        };
        command.SetAction(
            async (args, ct) =>
            {
                using var client = WorkloadClient.Open(args.GetValue(socket));
                var isJson = args.GetRequiredValue(format) == JsonFormat;
                var (output, error) = (args.InvocationConfiguration.Output, args.InvocationConfiguration.Error);
                try
                {
                    return await RunAsync(client, isJson, output, error, TimeProvider.System, ct);
                }
                catch (OperationCanceledException)
                {
                    return ExitCodes.Done;
                }
            }
        );
        return command;
    }

    private static async Task<int> RunAsync(
        WorkloadClient client,
        bool isJson,
        TextWriter output,
        TextWriter error,
        TimeProvider time,
        CancellationToken ct
    )
    {
        var delay = _firstRetry;
        var said = "";
        while (true)
        {
            try
            {
                await foreach (var answer in client.WatchX509SvidAsync(ct))
                {
                    (delay, said) = (_firstRetry, "");
                    await output.WriteAsync(isJson ? Json(answer, time) : Text(answer, time));
                    await output.FlushAsync(ct);
                }
            }
            catch (MeshCaException e) when (e.Kind is ErrorKind.Unavailable or ErrorKind.PermissionDenied)
            {
                if (e.Message != said)
                {
                    said = e.Message;
                    await error.WriteLineAsync($"{said}; trying again");
                }
            }

            await Task.Delay(delay, time, ct);
            delay = delay * 2 < _lastRetry ? delay * 2 : _lastRetry;
        }
    }

    private static string Text(X509SVIDResponse answer, TimeProvider time) =>
        string.Concat(
            ReceivedSvid
                .All(answer)
                .Select(s =>
                    $"{ReceivedSvid.Time(time.GetUtcNow())}  {s.Svid.SpiffeId}  serial {s.Svid.SerialNumber}  until {ReceivedSvid.Time(s.Svid.NotAfter)}\n"
                )
        );

    private static string Json(X509SVIDResponse answer, TimeProvider time) =>
        new JsonObject
        {
            ["receivedAt"] = ReceivedSvid.Time(time.GetUtcNow()),
            ["svids"] = new JsonArray([.. ReceivedSvid.All(answer).Select(static s => s.ToJson())]),
        }.ToJsonString() + "\n";
}
