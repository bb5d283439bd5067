using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Rest;

/// <summary>Reads one JSON object strictly: wrong types, duplicate members and unknown ones are all reported.</summary>
internal sealed class JsonFields
{
    private readonly Dictionary<string, JsonElement> _members = new(StringComparer.Ordinal);
    private readonly List<string> _known = [];
    private readonly string _pointer;
    private readonly FieldErrors _errors;

    public JsonFields(JsonElement element, string pointer, FieldErrors errors)
    {
        (_pointer, _errors) = (pointer, errors);
        if (element.ValueKind != JsonValueKind.Object)
        {
            errors.Add(pointer, $"must be an object, not {Describe(element)}");
            return;
        }

        foreach (var member in element.EnumerateObject())
        {
            if (NameOf(member) is not { } name)
            {
                errors.Add(pointer, "has a member whose name is not valid Unicode");
            }
            else if (!_members.TryAdd(name, member.Value))
            {
                errors.Add(Pointer(name), "is given more than once");
            }
        }
    }

    public string Pointer(string name) =>
        $"{_pointer}/{name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}";

    /// <summary>Reports members that nobody asked for. Call it last.</summary>
    public void End()
    {
        foreach (var name in _members.Keys)
        {
            _errors.Add(
                Pointer(name),
                _known.Count == 0
                    ? "unknown member; there are none"
                    : $"unknown member; known: {string.Join(", ", _known)}"
            );
        }
    }

    /// <summary>The member's value; false when it is absent or null.</summary>
    public bool Take(string name, out JsonElement value)
    {
        _known.Add(name);
        return _members.Remove(name, out value) && value.ValueKind != JsonValueKind.Null;
    }

    public string? String(string name) => Take(name, out var value) ? Text(value, Pointer(name)) : null;

    public T? Value<T>(string name, Func<string, T> parse)
        where T : struct => Take(name, out var value) ? Parse(value, Pointer(name), parse) : null;

    public string? Required(string name)
    {
        if (Take(name, out var value))
        {
            return Text(value, Pointer(name));
        }

        _errors.Add(Pointer(name), "is required");
        return null;
    }

    /// <summary>A member that may be there, but only as it is.</summary>
    public void Unchangeable(string name, string present)
    {
        if (Take(name, out var value) && Text(value, Pointer(name)) is { } text && text != present)
        {
            _errors.Add(Pointer(name), $"cannot be changed; it is {present}");
        }
    }

    /// <summary>An array of strings, empty when absent. One that is no string is reported and stands as an empty one.</summary>
    public IReadOnlyList<string> Strings(string name, int maxCount, bool required = false)
    {
        var pointer = Pointer(name);
        if (!Take(name, out var array))
        {
            if (required)
            {
                _errors.Add(pointer, "is required");
            }

            return [];
        }

        if (array.ValueKind != JsonValueKind.Array)
        {
            _errors.Add(pointer, $"must be an array of strings, not {Describe(array)}");
            return [];
        }

        var count = array.GetArrayLength();
        if (count > maxCount)
        {
            _errors.Add(pointer, $"has {count} items; at most {maxCount} are allowed");
            return [];
        }

        var values = new string[count];
        foreach (var (i, item) in array.EnumerateArray().Index())
        {
            values[i] = Text(item, string.Create(CultureInfo.InvariantCulture, $"{pointer}/{i}")) ?? "";
        }

        return values;
    }

    /// <summary>An object whose values are strings; empty when absent.</summary>
    public ImmutableSortedDictionary<string, string> Map(string name, int maxCount)
    {
        var map = ImmutableSortedDictionary<string, string>.Empty;
        if (!Take(name, out var value))
        {
            return map;
        }

        var fields = new JsonFields(value, Pointer(name), _errors);
        if (fields._members.Count > maxCount)
        {
            _errors.Add(Pointer(name), $"has {fields._members.Count} members; at most {maxCount} are allowed");
            return map;
        }

        var builder = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (key, item) in fields._members)
        {
            if (Text(item, fields.Pointer(key)) is { } text)
            {
                builder[key] = text;
            }
        }

        return builder.ToImmutable();
    }

    private static string? NameOf(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException)
        {
            return null; // an escaped lone surrogate
        }
    }

    private static string Describe(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Object => "an object",
            JsonValueKind.Array => "an array",
            JsonValueKind.String => "a string",
            JsonValueKind.Number => "a number",
            JsonValueKind.True or JsonValueKind.False => "a boolean",
            _ => "null",
        };

    private string? Text(JsonElement value, string pointer)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            _errors.Add(pointer, $"must be a string, not {Describe(value)}");
            return null;
        }

        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            _errors.Add(pointer, "is not valid Unicode: it has half of a surrogate pair");
            return null;
        }
    }

    private T? Parse<T>(JsonElement value, string pointer, Func<string, T> parse)
        where T : struct =>
        Text(value, pointer) is { } text && TryParse(text, pointer, parse, out var result) ? result : null;

    private bool TryParse<T>(string text, string pointer, Func<string, T> parse, out T value)
    {
        try
        {
            value = parse(text);
            return true;
        }
        catch (Exception e) when (e is FormatException or MeshCaException)
        {
            _errors.Add(pointer, e.Message);
            value = default!;
            return false;
        }
    }
}
