using MeshCA.Sds;
using Microsoft.AspNetCore.Http;

namespace MeshCA.Testing.Sds;

/// <summary>Gives every caller the same feed, or the failure that a test sets.</summary>
public sealed class FakeSecretSource : ISecretSource
{
    public FakeSecretFeed Feed { get; } = new();

    /// <summary>Thrown for every caller while set.</summary>
    public Exception? Failure { get; set; }

    public ValueTask<ISecretFeed> AttestAsync(HttpContext connection, CancellationToken ct) =>
        Failure is { } failure
            ? ValueTask.FromException<ISecretFeed>(failure)
            : ValueTask.FromResult<ISecretFeed>(Feed);
}
