using System.Buffers;
using Microsoft.AspNetCore.Http;

namespace MeshCA.Ca.Rest;

/// <summary>Reads a request body into memory, up to the limit, whatever its transfer coding.</summary>
internal static class BodyBytes
{
    public static ValueTask<byte[]> ReadAsync(HttpRequest request, CancellationToken ct) =>
        request.ContentLength > JsonBody.MaxSize ? throw TooLarge() : ReadPipeAsync(request, ct);

    private static async ValueTask<byte[]> ReadPipeAsync(HttpRequest request, CancellationToken ct)
    {
        var reader = request.BodyReader;
        while (true)
        {
            var result = await reader.ReadAsync(ct);
            if (result.Buffer.Length > JsonBody.MaxSize)
            {
                // What is left of the body is Kestrel's to read and drop, so that the caller can read the answer.
                reader.AdvanceTo(result.Buffer.End);
                throw TooLarge();
            }

            if (result.IsCompleted)
            {
                var body = result.Buffer.ToArray();
                reader.AdvanceTo(result.Buffer.End);
                return body;
            }

            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    private static ProblemException TooLarge() =>
        new(ProblemKind.TooLarge, $"the body is larger than {JsonBody.MaxSize} bytes");
}
