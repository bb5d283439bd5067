using System.Buffers;

namespace MeshCA.Ca.Entries;

/// <summary>What may stand as a DNS name in a certificate: letters, digits and hyphens, perhaps one wildcard as first label.</summary>
internal static class DnsNames
{
    /// <summary>RFC 1035 section 2.3.4.</summary>
    private const int MaxLength = 253;

    private const int MaxLabel = 63;

    private static readonly SearchValues<char> _label = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"
    );

    /// <summary>Says what is wrong with <paramref name="name"/>, or null.</summary>
    public static string? Check(string name)
    {
        if (name.Length is 0 or > MaxLength)
        {
            return $"'{name}' is not a DNS name: it has 1 to {MaxLength} characters";
        }

        var labels = name.Split('.');
        for (var i = 0; i < labels.Length; i++)
        {
            if (CheckLabel(labels[i], first: i == 0) is { } error)
            {
                return $"'{name}' is not a DNS name: {error}";
            }
        }

        return labels switch
        {
            ["*"] => "'*' is not a DNS name: a wildcard stands for one label, such as *.example.org",
            _ when labels[^1].All(char.IsAsciiDigit) => $"'{name}' is not a DNS name: it looks like an IP address",
            _ => null,
        };
    }

    private static string? CheckLabel(string label, bool first)
    {
        if (label.Length is 0 or > MaxLabel)
        {
            return $"a label has 1 to {MaxLabel} characters, and no dot is at the end";
        }

        if (label == "*")
        {
            return first ? null : "a wildcard may only be the first label";
        }

        if (label.AsSpan().ContainsAnyExcept(_label))
        {
            return "a label has letters, digits and hyphens only; write other alphabets as xn--…";
        }

        return label[0] == '-' || label[^1] == '-' ? "a label starts or ends with a hyphen" : null;
    }
}
