using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace MeshCA.Ca.Rest;

/// <summary>The Idempotency-Key of a POST, in the meaning of draft-ietf-httpapi-idempotency-key-header.</summary>
internal sealed class IdempotencyKey
{
    private const int MaxLength = 255;

    private readonly byte[] _key;

    private IdempotencyKey(string key) => _key = Encoding.ASCII.GetBytes(key);

    /// <summary>Null where the header is absent, a 400 where it is no key.</summary>
    public static IdempotencyKey? Read(StringValues header)
    {
        if (header.Count == 0)
        {
            return null;
        }

        var key = header.Count == 1 ? header[0] ?? "" : "";
        return key.Length is > 0 and <= MaxLength && key.All(c => c is >= ' ' and <= '~')
            ? new(key)
            : throw new ProblemException(
                ProblemKind.Malformed,
                $"the Idempotency-Key header is not one key of 1 to {MaxLength} printable ASCII characters"
            )
            {
                Errors = [new("Idempotency-Key:", $"is not one key of 1 to {MaxLength} printable ASCII characters")],
            };
    }

    /// <summary>Names the request: the same key of another caller, or for another path, is another one.</summary>
    public byte[] HashRequest(ApiRequest request)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in (ReadOnlySpan<string>)[request.Caller, request.Method, request.Path])
        {
            hash.AppendData(Encoding.UTF8.GetBytes(part));
            hash.AppendData([0]);
        }

        hash.AppendData(_key);
        return hash.GetHashAndReset();
    }

    /// <summary>The key that seals the answer, which the store does not have.</summary>
    public byte[] DeriveSealingKey(byte[] requestHash) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _key, 32, requestHash, "meshca idempotent answer"u8.ToArray());

    /// <summary>Never printed: who has it can read the answer.</summary>
    public override string ToString() => "...";
}
