namespace MeshCA.Ca.Rest;

/// <summary>Answers one kind of request.</summary>
internal delegate ValueTask<ApiResult> ApiHandler(ApiRequest request, CancellationToken ct);
