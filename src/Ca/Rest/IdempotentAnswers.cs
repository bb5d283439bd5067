using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using MeshCA.Ca.Store.Sqlite;

namespace MeshCA.Ca.Rest;

/// <summary>
/// Runs a POST once for each idempotency key: the same request gets the same answer for 24 hours, across restarts;
/// another body is refused; one that comes while the first is being done waits for its answer.
/// </summary>
/// <remarks>Only successes are kept: what failed has changed nothing and may be corrected and tried again.</remarks>
internal sealed class IdempotentAnswers(SqliteAnswers answers, TimeProvider time)
{
    private const int NonceSize = 12;
    private const int TagSize = 16;

    private readonly ConcurrentDictionary<string, Task> _running = new(StringComparer.Ordinal);

    public async ValueTask<ApiResult> RunAsync(
        IdempotencyKey key,
        ApiRequest request,
        ApiHandler handler,
        CancellationToken ct
    )
    {
        var requestHash = key.HashRequest(request);
        var name = Convert.ToHexStringLower(requestHash);
        var mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        while (_running.GetOrAdd(name, mine.Task) is var running && running != mine.Task)
        {
            await running.WaitAsync(ct);
        }

        try
        {
            return await RunAloneAsync(key, requestHash, request, handler, ct);
        }
        finally
        {
            _running.TryRemove(name, out _);
            mine.SetResult();
        }
    }

    private static byte[] Seal(byte[] sealingKey, ApiResult result)
    {
        var plain = JsonSerializer.SerializeToUtf8Bytes(
            new AnswerJson(result.Status, result.Body.ToArray(), result.ContentType, result.Location, result.ETag),
            RestJson.Api.AnswerJson
        );
        var box = new byte[NonceSize + TagSize + plain.Length];
        RandomNumberGenerator.Fill(box.AsSpan(0, NonceSize));
        using var aes = new AesGcm(sealingKey, TagSize);
        aes.Encrypt(box.AsSpan(0, NonceSize), plain, box.AsSpan(NonceSize + TagSize), box.AsSpan(NonceSize, TagSize));
        return box;
    }

    private static ApiResult Open(byte[] sealingKey, byte[] box)
    {
        var plain = new byte[box.Length - NonceSize - TagSize];
        using var aes = new AesGcm(sealingKey, TagSize);
        aes.Decrypt(box.AsSpan(0, NonceSize), box.AsSpan(NonceSize + TagSize), box.AsSpan(NonceSize, TagSize), plain);
        var answer = JsonSerializer.Deserialize(plain, RestJson.Api.AnswerJson)!;
        return new(answer.Status)
        {
            Body = answer.Body,
            ContentType = answer.ContentType,
            Location = answer.Location,
            ETag = answer.ETag,
        };
    }

    private async Task<ApiResult> RunAloneAsync(
        IdempotencyKey key,
        byte[] requestHash,
        ApiRequest request,
        ApiHandler handler,
        CancellationToken ct
    )
    {
        var bodyHash = SHA256.HashData(request.Body.Span);
        if (await answers.FindAsync(requestHash, time.GetUtcNow(), ct) is { } kept)
        {
            return kept.BodyHash.AsSpan().SequenceEqual(bodyHash)
                ? Open(key.DeriveSealingKey(requestHash), kept.Answer)
                : throw new ProblemException(
                    ProblemKind.KeyReused,
                    "this Idempotency-Key was used with another body; use a new key for a new request"
                );
        }

        // Not the caller's token from here on: a change that is made has to be remembered.
        var result = await handler(request, CancellationToken.None);
        await answers.KeepAsync(
            requestHash,
            new(bodyHash, Seal(key.DeriveSealingKey(requestHash), result)),
            time.GetUtcNow(),
            CancellationToken.None
        );
        return result;
    }
}
