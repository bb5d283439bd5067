using System.Globalization;
using MeshCA.Spiffe;
using Microsoft.AspNetCore.Http;

namespace MeshCA.Ca.Rest;

/// <summary>The query of one request: only parameters that the route knows, each readable, all errors together.</summary>
internal sealed class QueryValues(IQueryCollection query, FieldErrors errors)
{
    public const int DefaultPageSize = 100;
    public const int MaxPageSize = 500;

    /// <summary>Refuses what the route does not know.</summary>
    public void Check(Route route)
    {
        foreach (var name in query.Keys)
        {
            if (!route.Query.Contains(name, StringComparer.Ordinal) && !(route.IsMutation && name == "dryRun"))
            {
                var known = route.IsMutation ? route.Query.Add("dryRun") : route.Query;
                errors.Add(
                    "?" + name,
                    known.IsEmpty
                        ? "unknown parameter; there are none"
                        : $"unknown parameter; known: {string.Join(", ", known)}"
                );
            }
        }
    }

    /// <summary>Null when absent.</summary>
    public string? String(string name)
    {
        var values = query[name];
        if (values.Count > 1)
        {
            errors.Add("?" + name, "is given more than once");
        }

        return values.Count == 0 ? null : values[0] ?? "";
    }

    public bool Bool(string name)
    {
        switch (String(name))
        {
            case null or "false":
                return false;
            case "true":
                return true;
            case var other:
                errors.Add("?" + name, $"'{other}' is neither true nor false");
                return false;
        }
    }

    public T? Value<T>(string name, Func<string, T> parse)
        where T : struct
    {
        var text = String(name);
        if (text is null)
        {
            return null;
        }

        return Parse(name, text, parse);
    }

    /// <summary>As above, for what parses to a reference; null when absent or wrong.</summary>
    public string? Text(string name, Func<string, string> parse)
    {
        try
        {
            return String(name) is { } text ? parse(text) : null;
        }
        catch (Exception e) when (e is FormatException or MeshCaException)
        {
            errors.Add("?" + name, e.Message);
            return null;
        }
    }

    public DateTimeOffset? Time(string name) => Value(name, Rfc3339.Parse);

    public int PageSize()
    {
        var text = String("pageSize");
        if (text is null)
        {
            return DefaultPageSize;
        }

        if (
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var size)
            && size is >= 1 and <= MaxPageSize
        )
        {
            return size;
        }

        errors.Add("?pageSize", $"'{text}' is not a number from 1 to {MaxPageSize}");
        return DefaultPageSize;
    }

    /// <summary>The key after which the page starts; null for the first page.</summary>
    /// <param name="list">What is listed, filters included: a token of another list is refused.</param>
    public string? PageAfter(string list)
    {
        if (String("pageToken") is not { Length: > 0 } token)
        {
            return null;
        }

        var after = PageToken.Read(list, token);
        if (after is null)
        {
            errors.Add("?pageToken", "is not a nextPageToken of this list with these filters");
        }

        return after;
    }

    public void ThrowIfAny() => errors.ThrowIfAny();

    private T? Parse<T>(string name, string text, Func<string, T> parse)
        where T : struct
    {
        try
        {
            return parse(text);
        }
        catch (Exception e) when (e is FormatException or MeshCaException)
        {
            errors.Add("?" + name, e.Message);
            return null;
        }
    }
}
