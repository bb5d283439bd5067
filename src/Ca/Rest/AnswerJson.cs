namespace MeshCA.Ca.Rest;

/// <summary>An <see cref="ApiResult"/> as it is kept under an idempotency key.</summary>
internal sealed record AnswerJson(int Status, byte[] Body, string ContentType, string? Location, string? ETag);
