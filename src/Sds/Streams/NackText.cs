using System.Buffers;
using System.Text;

namespace MeshCA.Sds.Streams;

/// <summary>Makes a client's reason for a refusal fit to be logged, stored and shown.</summary>
/// <remarks>An Envoy that cannot decode a secret puts all of it into its reason, PEM private key included.</remarks>
internal static class NackText
{
    public const int MaxLength = 512;

    // A line of PEM has 64 characters; no word of a reason comes near.
    private const int Base64Run = 48;

    private const string Dropped = "(the rest is dropped: it may hold secrets)";

    // Where Envoy's copy of the message starts: "goo.gle/debug…" precedes a printed message, then fields or PEM.
    private static readonly string[] _secretMarks =
    [
        "goo.gle/",
        "-----BEGIN",
        "inline_bytes",
        "inline_string",
        "private_key",
    ];

    private static readonly SearchValues<char> _base64 = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
    );

    public static string Scrub(string reason)
    {
        var end = Math.Min(reason.Length, MaxLength);
        var dropped = false;
        foreach (var mark in _secretMarks)
        {
            var at = reason.IndexOf(mark, StringComparison.OrdinalIgnoreCase);
            if (at >= 0)
            {
                dropped = true;
                end = Math.Min(end, at);
            }
        }

        var run = LongBase64(reason.AsSpan(0, end));
        if (run >= 0)
        {
            dropped = true;
            end = run;
        }

        var clean = new StringBuilder(end + Dropped.Length);
        foreach (var c in reason.AsSpan(0, end))
        {
            clean.Append(char.IsControl(c) || char.IsSurrogate(c) || c is '\u2028' or '\u2029' ? ' ' : c);
        }

        return dropped ? clean.Append(Dropped).ToString() : clean.ToString();
    }

    /// <summary>Where something starts that may be a part of a key, cut off from its PEM header; -1 if nowhere.</summary>
    private static int LongBase64(ReadOnlySpan<char> text)
    {
        var start = 0;
        while (start < text.Length)
        {
            var length = text[start..].IndexOfAnyExcept(_base64);
            length = length < 0 ? text.Length - start : length;
            if (length >= Base64Run)
            {
                return start;
            }

            start += length + 1;
        }

        return -1;
    }
}
