namespace MeshCA.Spiffe;

/// <summary>A fact that attestation proves of a process or node, <c>type:value</c>, such as <c>unix:uid:1000</c>.</summary>
/// <remarks>The type ends at the first colon; the value may hold more of them.</remarks>
public readonly record struct Selector : IComparable<Selector>
{
    public const int MaxLength = 4096;

    private readonly string? _text;
    private readonly int _colon;

    private Selector(string text, int colon) => (_text, _colon) = (text, colon);

    private Selector(Selector other) => (_text, _colon) = (other._text, other._colon);

    public Selector(string type, string value)
        : this(Join(type, value)) { }

    public bool IsDefault => _text is null;

    public string Type => _text?[.._colon] ?? "";

    public string Value => _text?[(_colon + 1)..] ?? "";

    public static Selector Parse(ReadOnlySpan<char> s) =>
        Check(s, out var colon) is { } error
            ? throw new FormatException($"'{ErrorText.Cut(s)}' is not a selector: {error}")
            : new(s.ToString(), colon);

    public static bool TryParse(ReadOnlySpan<char> s, out Selector selector)
    {
        var valid = Check(s, out var colon) is null;
        selector = valid ? new(s.ToString(), colon) : default;
        return valid;
    }

    public int CompareTo(Selector other) => string.CompareOrdinal(_text, other._text);

    public override string ToString() => _text ?? "";

    private static Selector Join(string type, string value) =>
        type.Contains(':')
            ? throw new FormatException($"'{ErrorText.Cut(type)}' is not the type of a selector: it has a colon")
            : Parse($"{type}:{value}");

    private static string? Check(ReadOnlySpan<char> s, out int colon)
    {
        colon = s.IndexOf(':');
        if (s.Length > MaxLength)
        {
            return $"it is longer than {MaxLength} characters";
        }

        if (colon < 1)
        {
            return "it is not of the form type:value, such as unix:uid:1000";
        }

        if (colon == s.Length - 1)
        {
            return "it has no value";
        }

        // Selectors travel in protobuf strings, which must be valid Unicode: a lone surrogate would change on the way.
        for (var i = 0; i < s.Length; i++)
        {
            if (char.IsControl(s[i]))
            {
                return "it has a control character";
            }

            if (char.IsSurrogate(s[i]) && !(i + 1 < s.Length && char.IsSurrogatePair(s[i], s[++i])))
            {
                return "it is not valid Unicode";
            }
        }

        return null;
    }
}
