using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace MeshCA.Ca.Rest;

/// <summary>
/// The opaque cursor of a list: the key of the last item that was sent, bound to the list and its filters, so that a
/// token that was cut, mistyped or made for another query is refused instead of giving a wrong page.
/// </summary>
internal static class PageToken
{
    private const int ChecksumSize = 8;

    public static string Make(string query, string lastKey)
    {
        var key = Encoding.UTF8.GetBytes(lastKey);
        var token = new byte[ChecksumSize + key.Length];
        Checksum(query, key, token);
        key.CopyTo(token, ChecksumSize);
        return Base64Url.EncodeToString(token);
    }

    /// <summary>Null when the token was not made for <paramref name="query"/> by <see cref="Make"/>.</summary>
    public static string? Read(string query, string token)
    {
        if (!Base64Url.IsValid(token))
        {
            return null;
        }

        var bytes = Base64Url.DecodeFromChars(token);
        if (bytes.Length <= ChecksumSize)
        {
            return null;
        }

        Span<byte> checksum = stackalloc byte[ChecksumSize];
        Checksum(query, bytes.AsSpan(ChecksumSize), checksum);
        return checksum.SequenceEqual(bytes.AsSpan(0, ChecksumSize))
            ? Encoding.UTF8.GetString(bytes, ChecksumSize, bytes.Length - ChecksumSize)
            : null;
    }

    private static void Checksum(string query, ReadOnlySpan<byte> key, Span<byte> checksum)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(query));
        hash.AppendData([0]);
        hash.AppendData(key);
        hash.GetHashAndReset().AsSpan(0, ChecksumSize).CopyTo(checksum);
    }
}
