using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MeshCA.Commands.Admin;

/// <summary>The values of <c>-o</c>.</summary>
internal static class OutputFormats
{
    public const string Table = "table";
    public const string Json = "json";
    public const string Yaml = "yaml";
    public const string Pem = "pem";

    public static readonly string[] Usual = [Table, Json, Yaml];
    public static readonly string[] OfBundle = [Pem, Json];

    private static readonly JsonWriterOptions _indented = new()
    {
        Indented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string ToJson(JsonNode node)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, _indented))
        {
            node.WriteTo(writer);
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }
}
