using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace MeshCA.Ca.Rest;

/// <summary>A whole answer in memory: it may have to be kept under an idempotency key before it is sent.</summary>
internal sealed record ApiResult(int Status)
{
    public const string JsonType = "application/json; charset=utf-8";

    public ReadOnlyMemory<byte> Body { get; init; }

    public string ContentType { get; init; } = JsonType;

    public string? Location { get; init; }

    /// <summary>With its quotes; null where the resource has no revision.</summary>
    public string? ETag { get; init; }

    /// <summary>True where the form of the answer depends on the Accept header.</summary>
    public bool VariesByAccept { get; init; }

    public static readonly ApiResult NoContent = new(204);

    public static ApiResult Of<T>(int status, T value, JsonTypeInfo<T> type) =>
        new(status) { Body = JsonSerializer.SerializeToUtf8Bytes(value, type) };

    /// <summary>With an ETag over the content, for a resource that has no revision.</summary>
    public ApiResult WithContentTag() => this with { ETag = TagOf(Body.Span) };

    private static string TagOf(ReadOnlySpan<byte> content) =>
        $"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 12))}\"";
}
