namespace MeshCA.Spiffe;

/// <summary>Makes foreign text fit to stand in an error message.</summary>
internal static class ErrorText
{
    private const int MaxLength = 128;

    /// <summary>At most 128 characters, and none that could forge a log line or a terminal command.</summary>
    public static string Cut(ReadOnlySpan<char> s)
    {
        var shown = s.Length > MaxLength ? s[..MaxLength] : s;
        var text = string.Create(
            shown.Length,
            shown,
            static (target, source) =>
            {
                for (var i = 0; i < source.Length; i++)
                {
                    var c = source[i];
                    target[i] = char.IsControl(c) || char.IsSurrogate(c) || c is '\u2028' or '\u2029' ? '\ufffd' : c;
                }
            }
        );
        return s.Length > MaxLength ? text + "…" : text;
    }
}
