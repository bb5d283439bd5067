namespace MeshCA.Spiffe;

/// <summary>The name of a workload, <c>spiffe://{trust domain}{path}</c>, valid by construction.</summary>
/// <remarks>See SPIFFE-ID section 2: https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md</remarks>
public readonly record struct SpiffeId
{
    /// <summary>SPIFFE-ID section 2.3. Only ASCII is allowed, so characters are bytes.</summary>
    public const int MaxLength = 2048;

    private const string Scheme = "spiffe://";

    private readonly string? _value;
    private readonly int _pathStart;

    private SpiffeId(string value, int pathStart) => (_value, _pathStart) = (value, pathStart);

    public bool IsDefault => _value is null;

    public TrustDomain TrustDomain => IsDefault ? default : new(_value![Scheme.Length.._pathStart]);

    /// <summary>Empty for the trust domain itself, else starts with '/'. Never ends with one.</summary>
    public ReadOnlySpan<char> Path => _value.AsSpan(_pathStart);

    public static SpiffeId Parse(ReadOnlySpan<char> s) =>
        Check(s, out var pathStart) is { } error
            ? throw new FormatException($"'{s}' is not a SPIFFE ID: {error}")
            : new(s.ToString(), pathStart);

    public static bool TryParse(ReadOnlySpan<char> s, out SpiffeId id)
    {
        var valid = Check(s, out var pathStart) is null;
        id = valid ? new(s.ToString(), pathStart) : default;
        return valid;
    }

    public override string ToString() => _value ?? "";

    /// <summary>Says what is wrong with <paramref name="s"/>, or null.</summary>
    private static string? Check(ReadOnlySpan<char> s, out int pathStart)
    {
        pathStart = 0;
        if (s.Length > MaxLength)
        {
            return $"longer than {MaxLength} bytes";
        }

        if (!s.StartsWith(Scheme, StringComparison.Ordinal))
        {
            return $"does not start with {Scheme}";
        }

        var slash = s[Scheme.Length..].IndexOf('/');
        pathStart = slash < 0 ? s.Length : Scheme.Length + slash;
        return TrustDomain.Check(s[Scheme.Length..pathStart]) ?? CheckPath(s[pathStart..]);
    }

    private static string? CheckPath(ReadOnlySpan<char> path)
    {
        if (path.IsEmpty)
        {
            return null;
        }

        foreach (var range in path[1..].Split('/'))
        {
            switch (path[1..][range])
            {
                case "":
                    return "the path has an empty segment";
                case "." or "..":
                    return "the path has a dot segment";
                case var segment when segment.ContainsAnyExcept(SpiffeChars.PathSegment):
                    return "a path segment has a character outside [a-zA-Z0-9._-]";
            }
        }

        return null;
    }
}
