using System.Buffers;
using System.Globalization;
using System.Net;

namespace MeshCA.Spiffe;

/// <summary>A DNS name that may stand in a certificate's SAN, lower case; the first label may be <c>*</c>.</summary>
/// <remarks>RFC 1123 section 2.1 host names, RFC 5890 section 2.3.1 hyphens, RFC 6125 section 6.4.3 wildcards.</remarks>
public readonly record struct DnsName : IComparable<DnsName>
{
    public const int MaxLength = 253;

    private const int MaxLabelLength = 63;

    private static readonly SearchValues<char> _labelChars = SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
    );

    private static readonly IdnMapping _idn = new() { UseStd3AsciiRules = true };

    private readonly string? _name;

    private DnsName(string name) => _name = name;

    public bool IsDefault => _name is null;

    public static DnsName Parse(ReadOnlySpan<char> s) =>
        Check(s) is { } error ? throw new FormatException($"'{ErrorText.Cut(s)}' is not a DNS name: {error}") : Of(s);

    public static bool TryParse(ReadOnlySpan<char> s, out DnsName name)
    {
        var valid = Check(s) is null;
        name = valid ? Of(s) : default;
        return valid;
    }

    public int CompareTo(DnsName other) => string.CompareOrdinal(_name, other._name);

    public override string ToString() => _name ?? "";

    private static DnsName Of(ReadOnlySpan<char> s)
    {
        Span<char> lower = stackalloc char[s.Length];
        s.ToLowerInvariant(lower);
        return new(lower.ToString());
    }

    private static string? Check(ReadOnlySpan<char> s)
    {
        switch (s)
        {
            case "":
                return "it is empty";
            case { Length: > MaxLength }:
                return $"it is longer than {MaxLength} bytes";
            case [.., '.']:
                return "it ends with a dot";
        }

        var labels = s.StartsWith("*.", StringComparison.Ordinal) ? s[2..] : s;
        foreach (var label in labels.Split('.'))
        {
            if (CheckLabel(labels[label]) is { } error)
            {
                return error;
            }
        }

        return IPAddress.TryParse(labels, out _) ? "it is an IP address" : null;
    }

    private static string? CheckLabel(ReadOnlySpan<char> label) =>
        label switch
        {
            "" => "it has an empty label",
            { Length: > MaxLabelLength } => $"a label is longer than {MaxLabelLength} bytes",
            _ when label.Contains('*') => "a wildcard may only be the whole first label",
            _ when label.ContainsAnyExcept(_labelChars) => "it has a character outside [a-zA-Z0-9-]",
            ['-', ..] or [.., '-'] => "a label starts or ends with a hyphen",
            ['x' or 'X', 'n' or 'N', '-', '-', ..] => IsPunycode(label) ? null : "a label is not valid punycode",
            [_, _, '-', '-', ..] => "a label has hyphens in its third and fourth place",
            _ => null,
        };

    private static bool IsPunycode(ReadOnlySpan<char> label)
    {
        try
        {
            return _idn.GetUnicode(label.ToString()).AsSpan().ContainsAnyExceptInRange('\0', '\x7f');
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
