using System.Buffers;
using System.Text;

namespace MeshCA.Sds;

/// <summary>Lets Kestrel take the <c>:authority</c> values that gRPC clients send over Unix sockets.</summary>
/// <remarks>
/// They send the socket's path, that path percent-encoded (gRPC core since 1.57), or a cluster's name with '|' (Envoy).
/// None is a valid host, and Kestrel resets such a stream before any code of ours runs. Nothing here depends on the
/// value, so that all of them can become "localhost".
/// </remarks>
internal sealed class AuthorityEncoding : Encoding
{
    private const string Replacement = "localhost";

    private static readonly SearchValues<byte> _hostBytes = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:_[]-"u8
    );

    public static AuthorityEncoding Instance { get; } = new();

    public override int GetByteCount(char[] chars, int index, int count) => Latin1.GetByteCount(chars, index, count);

    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) =>
        Latin1.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

    public override int GetCharCount(byte[] bytes, int index, int count) =>
        IsHost(bytes.AsSpan(index, count)) ? count : Replacement.Length;

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex)
    {
        var value = bytes.AsSpan(byteIndex, byteCount);
        if (IsHost(value))
        {
            return Latin1.GetChars(value, chars.AsSpan(charIndex));
        }

        Replacement.CopyTo(chars.AsSpan(charIndex));
        return Replacement.Length;
    }

    public override int GetMaxByteCount(int charCount) => charCount;

    public override int GetMaxCharCount(int byteCount) => Math.Max(byteCount, Replacement.Length);

    private static bool IsHost(ReadOnlySpan<byte> value) => !value.ContainsAnyExcept(_hostBytes);
}
