namespace MeshCA.Spiffe;

/// <summary>The name of a workload, <c>spiffe://{trust domain}{path}</c>, valid by construction.</summary>
/// <remarks>SPIFFE-ID section 2: https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md</remarks>
public readonly record struct SpiffeId : IComparable<SpiffeId>
{
    /// <summary>SPIFFE-ID section 2.3. Every allowed character is ASCII, so characters are bytes.</summary>
    public const int MaxLength = 2048;

    internal const string Scheme = "spiffe://";

    private const string ReservedPath = "/meshca";

    private readonly string? _value;
    private readonly int _pathStart;

    private SpiffeId(string value, int pathStart) => (_value, _pathStart) = (value, pathStart);

    public bool IsDefault => _value is null;

    public TrustDomain TrustDomain => _value is null ? default : new(_value[Scheme.Length.._pathStart]);

    /// <summary>Empty for the trust domain itself, else starts with '/'. Never ends with one.</summary>
    public ReadOnlySpan<char> Path => _value.AsSpan(_pathStart);

    /// <summary>True for the paths that only the server and its agents may bear: /meshca and all below it.</summary>
    public bool IsReserved =>
        Path.StartsWith(ReservedPath, StringComparison.Ordinal)
        && (Path.Length == ReservedPath.Length || Path[ReservedPath.Length] == '/');

    public static SpiffeId Parse(ReadOnlySpan<char> s) =>
        Check(s, out var pathStart) is { } error
            ? throw new FormatException($"'{ErrorText.Cut(s)}' is not a SPIFFE ID: {error}")
            : new(s.ToString(), pathStart);

    public static bool TryParse(ReadOnlySpan<char> s, out SpiffeId id)
    {
        var valid = Check(s, out var pathStart) is null;
        id = valid ? new(s.ToString(), pathStart) : default;
        return valid;
    }

    /// <summary>The ID of a trust domain with a path, which is empty or starts with '/'.</summary>
    public static SpiffeId Of(TrustDomain trustDomain, ReadOnlySpan<char> path) =>
        Parse($"{Scheme}{trustDomain.Name}{CheckedPath(path)}");

    /// <summary>The ID of a trust domain with a path of these segments; a segment holds no '/'.</summary>
    public static SpiffeId OfSegments(TrustDomain trustDomain, params ReadOnlySpan<string> segments)
    {
        foreach (var segment in segments)
        {
            if (CheckSegment(segment) is { } error)
            {
                throw new FormatException(
                    $"'{ErrorText.Cut(segment)}' is not a segment of a SPIFFE ID's path: {error}"
                );
            }
        }

        return Parse($"{Scheme}{trustDomain.Name}{(segments.IsEmpty ? "" : "/")}{string.Join('/', segments)}");
    }

    /// <summary>This ID with more path behind its own; <paramref name="path"/> is empty or starts with '/'.</summary>
    public SpiffeId Append(ReadOnlySpan<char> path) => Parse($"{ToString()}{CheckedPath(path)}");

    public bool IsMemberOf(TrustDomain trustDomain) =>
        _value is not null && _value.AsSpan(Scheme.Length.._pathStart).SequenceEqual(trustDomain.Name);

    public int CompareTo(SpiffeId other) => string.CompareOrdinal(_value, other._value);

    public override string ToString() => _value ?? "";

    /// <summary>Says what is wrong with <paramref name="s"/>, or null.</summary>
    private static string? Check(ReadOnlySpan<char> s, out int pathStart)
    {
        pathStart = 0;
        if (s.Length > MaxLength)
        {
            return $"it is longer than {MaxLength} bytes";
        }

        if (!s.StartsWith(Scheme, StringComparison.Ordinal))
        {
            return $"it does not start with {Scheme}";
        }

        var authority = s[Scheme.Length..];
        var slash = authority.IndexOf('/');
        pathStart = slash < 0 ? s.Length : Scheme.Length + slash;
        return TrustDomain.Check(s[Scheme.Length..pathStart]) ?? CheckPath(s[pathStart..]);
    }

    private static ReadOnlySpan<char> CheckedPath(ReadOnlySpan<char> path) =>
        CheckPath(path) is { } error
            ? throw new FormatException($"'{ErrorText.Cut(path)}' is not the path of a SPIFFE ID: {error}")
            : path;

    private static string? CheckPath(ReadOnlySpan<char> path)
    {
        if (path.IsEmpty)
        {
            return null;
        }

        if (path[0] != '/')
        {
            return "the path does not start with '/'";
        }

        if (path[^1] == '/')
        {
            return "the path ends with '/'";
        }

        var segments = path[1..];
        foreach (var segment in segments.Split('/'))
        {
            if (CheckSegment(segments[segment]) is { } error)
            {
                return error;
            }
        }

        return null;
    }

    private static string? CheckSegment(ReadOnlySpan<char> segment) =>
        segment switch
        {
            "" => "the path has an empty segment",
            "." or ".." => "the path has a segment '.' or '..'",
            _ when segment.ContainsAnyExcept(SpiffeChars.PathSegment) =>
                "the path has a character outside [a-zA-Z0-9._-]",
            _ => null,
        };
}
