using System.CommandLine;
using System.Text.Json.Nodes;

namespace MeshCA.Commands.Admin;

/// <summary>One run of an admin command.</summary>
/// <param name="Args">The parsed command line.</param>
/// <param name="Client">The server.</param>
/// <param name="Format">table, json, yaml or pem.</param>
/// <param name="Out">Standard output: the result and nothing else.</param>
/// <param name="Error">Standard error: everything for people.</param>
internal sealed record AdminCall(ParseResult Args, AdminClient Client, string Format, TextWriter Out, TextWriter Error)
{
    /// <summary>One resource: its members one below the other, or as it came.</summary>
    public Task WriteAsync(JsonObject item) =>
        Out.WriteAsync(
            Format switch
            {
                OutputFormats.Json => OutputFormats.ToJson(item),
                OutputFormats.Yaml => YamlText.Of(item),
                _ => TableText.OfObject(item),
            }
        );

    /// <summary>A list: a row each, or as the API lists it.</summary>
    /// <param name="items">All of them.</param>
    /// <param name="columns">Heading, and the member that is shown under it.</param>
    public Task WriteListAsync(JsonArray items, params ReadOnlySpan<(string Heading, string Member)> columns) =>
        Out.WriteAsync(
            Format switch
            {
                OutputFormats.Json => OutputFormats.ToJson(new JsonObject { ["items"] = items }),
                OutputFormats.Yaml => YamlText.Of(new JsonObject { ["items"] = items }),
                _ => TableText.OfList(items, columns),
            }
        );

    /// <summary>Says on stderr that it was done: stdout stays empty for scripts.</summary>
    public Task SayAsync(string text) => Error.WriteLineAsync(text);
}
