namespace MeshCA.Spiffe;

/// <summary>The name of a trust domain, such as <c>example.org</c>, without the scheme. Valid by construction.</summary>
/// <remarks>SPIFFE-ID section 2.1. A name that looks like an IPv4 address or ends with a dot is a name like any other.</remarks>
public readonly record struct TrustDomain : IComparable<TrustDomain>
{
    /// <summary>SPIFFE-ID section 2.3.</summary>
    public const int MaxLength = 255;

    private readonly string? _name;

    internal TrustDomain(string name) => _name = name;

    public bool IsDefault => _name is null;

    /// <summary>The bare name, <c>example.org</c>.</summary>
    public string Name => _name ?? "";

    /// <summary>The SPIFFE ID of the trust domain itself, <c>spiffe://example.org</c>.</summary>
    public SpiffeId Id => SpiffeId.Of(this, "");

    public static TrustDomain Parse(ReadOnlySpan<char> s) =>
        Check(s) is { } error
            ? throw new FormatException($"'{ErrorText.Cut(s)}' is not a trust domain: {error}")
            : new(s.ToString());

    public static bool TryParse(ReadOnlySpan<char> s, out TrustDomain trustDomain)
    {
        var valid = Check(s) is null;
        trustDomain = valid ? new(s.ToString()) : default;
        return valid;
    }

    /// <summary>Takes a bare name or any SPIFFE ID of the trust domain, as people write both.</summary>
    public static TrustDomain ParseNameOrId(ReadOnlySpan<char> s) =>
        s.Contains(':') ? SpiffeId.Parse(s).TrustDomain : Parse(s);

    public int CompareTo(TrustDomain other) => string.CompareOrdinal(_name, other._name);

    public override string ToString() => Name;

    /// <summary>Says what is wrong with <paramref name="s"/>, or null.</summary>
    internal static string? Check(ReadOnlySpan<char> s) =>
        s.Length switch
        {
            0 => "the trust domain is missing",
            > MaxLength => $"the trust domain is longer than {MaxLength} bytes",
            _ when s.ContainsAnyExcept(SpiffeChars.TrustDomain) =>
                "the trust domain has a character outside [a-z0-9._-]",
            _ => null,
        };
}
