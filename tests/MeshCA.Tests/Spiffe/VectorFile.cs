using System.Text.Json;

namespace MeshCA.Tests.Spiffe;

/// <summary>Conformance data beside the tests, in Vectors: each file names the public source of its rows.</summary>
internal static class VectorFile
{
    /// <summary>Reads Spiffe/Vectors/{name}.json, once for each call.</summary>
    public static JsonElement Open(string name)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "Spiffe", "Vectors", name + ".json");
        return JsonElement.Parse(File.ReadAllBytes(path));
    }

    /// <summary>The row numbers of an array: what a theory is given, so that every row is a test of its own.</summary>
    public static TheoryData<int, string> Rows(JsonElement array, string label)
    {
        var rows = new TheoryData<int, string>();
        for (var i = 0; i < array.GetArrayLength(); i++)
        {
            rows.Add(i, array[i].GetProperty(label).ToString());
        }

        return rows;
    }

    public static string Text(this JsonElement row, string name) => row.GetProperty(name).GetString()!;

    public static bool Flag(this JsonElement row, string name) => row.GetProperty(name).GetBoolean();

    public static string? TextOrNull(this JsonElement row, string name) =>
        row.TryGetProperty(name, out var value) ? value.GetString() : null;
}
