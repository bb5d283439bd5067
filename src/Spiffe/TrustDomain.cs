namespace MeshCA.Spiffe;

/// <summary>The name of a trust domain, such as <c>example.org</c>, without the scheme. Valid by construction.</summary>
/// <remarks>See SPIFFE-ID section 2.1.</remarks>
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
    public SpiffeId Id => SpiffeId.Parse("spiffe://" + Name);

    public static TrustDomain Parse(ReadOnlySpan<char> s) =>
        Check(s) is { } error ? throw new FormatException($"'{s}' is not a trust domain: {error}") : new(s.ToString());

    public static bool TryParse(ReadOnlySpan<char> s, out TrustDomain trustDomain)
    {
        var valid = Check(s) is null;
        trustDomain = valid ? new(s.ToString()) : default;
        return valid;
    }

    public int CompareTo(TrustDomain other) => string.CompareOrdinal(Name, other.Name);

    public override string ToString() => Name;

    /// <summary>Says what is wrong with <paramref name="s"/>, or null.</summary>
    internal static string? Check(ReadOnlySpan<char> s)
    {
        if (s.IsEmpty)
        {
            return "the trust domain is missing";
        }

        if (s.Length > MaxLength)
        {
            return $"the trust domain is longer than {MaxLength} bytes";
        }

        return s.ContainsAnyExcept(SpiffeChars.TrustDomain)
            ? "the trust domain has a character outside [a-z0-9._-]"
            : null;
    }
}
