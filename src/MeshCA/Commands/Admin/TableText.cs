using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MeshCA.Commands.Admin;

/// <summary>Plain aligned columns, the same on a terminal and in a pipe.</summary>
internal static class TableText
{
    private const string Gap = "  ";

    /// <summary>One line for each member.</summary>
    public static string OfObject(JsonObject item) =>
        Align([.. item.Select(static m => new[] { m.Key, Cell(m.Value) })]);

    /// <summary>A heading, and one line for each item.</summary>
    public static string OfList(JsonArray items, ReadOnlySpan<(string Heading, string Member)> columns)
    {
        var rows = new List<string[]>(items.Count + 1);
        var headings = new string[columns.Length];
        for (var i = 0; i < columns.Length; i++)
        {
            headings[i] = columns[i].Heading;
        }

        rows.Add(headings);
        foreach (var item in items)
        {
            var row = new string[columns.Length];
            for (var i = 0; i < columns.Length; i++)
            {
                row[i] = Cell(item?[columns[i].Member]);
            }

            rows.Add(row);
        }

        return Align(rows);
    }

    private static string Cell(JsonNode? value)
    {
        var text = value switch
        {
            null => "",
            JsonArray array => string.Join(",", array.Select(Cell)),
            JsonObject map => string.Join(",", map.Select(static m => $"{m.Key}={Cell(m.Value)}")),
            _ when value.GetValueKind() == JsonValueKind.String => Printable((string)value!),
            _ => value.ToJsonString(),
        };
        return text.Length == 0 ? "-" : text;
    }

    /// <summary>A hint or label is anybody's text: it must not steer the terminal.</summary>
    private static string Printable(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(static c => char.IsControl(c) ? '\uFFFD' : c)) : text;

    private static string Align(List<string[]> rows)
    {
        var result = new StringBuilder();
        if (rows.Count == 0)
        {
            return "";
        }

        var widths = Enumerable.Range(0, rows[0].Length).Select(i => rows.Max(row => row[i].Length)).ToArray();
        foreach (var row in rows)
        {
            for (var i = 0; i < row.Length; i++)
            {
                result.Append(i == row.Length - 1 ? row[i] : row[i].PadRight(widths[i]) + Gap);
            }

            result.Append('\n');
        }

        return result.ToString();
    }
}
