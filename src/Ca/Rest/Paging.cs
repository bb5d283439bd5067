using System.Collections.Immutable;
using System.Text.Json.Serialization.Metadata;

namespace MeshCA.Ca.Rest;

/// <summary>Answers one page of a list.</summary>
internal static class Paging
{
    public static readonly ImmutableArray<string> Parameters = ["pageSize", "pageToken"];

    /// <summary>Reads the page that the query asks for.</summary>
    /// <param name="request">Its other parameters have been read; their errors are thrown here, with those of paging.</param>
    /// <param name="list">What is listed, filters included.</param>
    /// <param name="read">Reads so many items after a key.</param>
    /// <param name="toJson">Makes an item's document.</param>
    /// <param name="type">Writes it.</param>
    public static ApiResult Answer<T, TJson>(
        ApiRequest request,
        string list,
        Func<string?, int, Page<T>> read,
        Func<T, TJson> toJson,
        JsonTypeInfo<ListJson<TJson>> type
    )
    {
        var (after, count) = Read(request, list);
        return Answer(list, read(after, count), toJson, type);
    }

    /// <summary>Where the page starts and how long it may be; throws all errors of the query.</summary>
    public static (string? After, int Count) Read(ApiRequest request, string list)
    {
        var range = (request.Query.PageAfter(list), request.Query.PageSize());
        request.Query.ThrowIfAny();
        return range;
    }

    public static ApiResult Answer<T, TJson>(
        string list,
        Page<T> page,
        Func<T, TJson> toJson,
        JsonTypeInfo<ListJson<TJson>> type
    ) =>
        ApiResult.Of(
            200,
            new ListJson<TJson>(
                [.. page.Items.Select(toJson)],
                page.Next is { } next ? PageToken.Make(list, next) : ""
            ),
            type
        );
}
