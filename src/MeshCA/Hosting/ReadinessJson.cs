using System.Text.Encodings.Web;
using System.Text.Json;

namespace MeshCA.Hosting;

/// <summary>The JSON form of a <see cref="ReadinessReport"/>.</summary>
internal static class ReadinessJson
{
    private static readonly JsonWriterOptions _options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static byte[] Write(ReadinessReport report)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, _options))
        {
            json.WriteStartObject();
            json.WriteString("status", report.Status);
            json.WriteStartArray("components");
            foreach (var component in report.Components)
            {
                json.WriteStartObject();
                json.WriteString("name", component.Name);
                json.WriteString("status", component.Status);
                if (component.Detail is { } detail)
                {
                    json.WriteString("detail", detail);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }
}
