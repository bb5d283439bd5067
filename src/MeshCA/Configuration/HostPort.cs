using System.Globalization;
using System.Net;

namespace MeshCA.Configuration;

/// <summary>An address and a port: <c>name:8081</c>, <c>10.0.0.1:8081</c>, <c>[::1]:8081</c>.</summary>
internal readonly record struct HostPort(string Host, int Port)
{
    /// <summary>RFC 1035 section 2.3.4.</summary>
    private const int MaxName = 253;

    /// <summary>True for an IP address, false for a name.</summary>
    public bool IsAddress => IPAddress.TryParse(Host, out _);

    /// <summary>Reads the form that users write.</summary>
    /// <param name="text">What a user wrote.</param>
    /// <param name="minPort">0 where a free port may be asked for, else 1.</param>
    /// <param name="value">The two parts, without brackets.</param>
    public static bool TryParse(string text, int minPort, out HostPort value)
    {
        value = default;
        var colon = text.LastIndexOf(':');
        if (
            colon <= 0
            || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port < minPort
            || port > ushort.MaxValue
        )
        {
            return false;
        }

        var host = text[..colon];
        if (host is ['[', .., ']'])
        {
            host = host[1..^1];
            if (!host.Contains(':', StringComparison.Ordinal) || !IPAddress.TryParse(host, out _))
            {
                return false;
            }
        }
        else if (!IsName(host))
        {
            return false;
        }

        value = new(host, port);
        return true;
    }

    public override string ToString() =>
        Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";

    /// <summary>A DNS name or an IPv4 address with four parts; 127.1, which resolvers read as 127.0.0.1, is neither.</summary>
    private static bool IsName(string host)
    {
        var labels = host.Split('.');
        if (host.Length > MaxName || Array.Exists(labels, static l => l.Length is 0 or > 63))
        {
            return false;
        }

        if (!host.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'))
        {
            return false;
        }

        return !labels[^1].All(char.IsAsciiDigit) || (labels.Length == 4 && IPAddress.TryParse(host, out _));
    }
}
