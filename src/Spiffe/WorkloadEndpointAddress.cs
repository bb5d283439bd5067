using System.Globalization;
using System.Net;

namespace MeshCA.Spiffe;

/// <summary>Where a Workload API is served, as <c>SPIFFE_ENDPOINT_SOCKET</c> says it: <c>unix:///path</c> or <c>tcp://ip:port</c>.</summary>
/// <remarks>
/// SPIFFE_Workload_Endpoint section 4. An authority in a unix address (<c>unix://foo</c>), which some clients let pass, is
/// refused as the standard says: it is mostly a forgotten third slash, and would name a file nobody meant.
/// </remarks>
public sealed record WorkloadEndpointAddress
{
    public const string EnvironmentVariable = "SPIFFE_ENDPOINT_SOCKET";

    private const int MaxLength = 4096;

    private WorkloadEndpointAddress(string? socketPath, IPEndPoint? endPoint) =>
        (SocketPath, EndPoint) = (socketPath, endPoint);

    /// <summary>The absolute path of the Unix socket; null for TCP.</summary>
    public string? SocketPath { get; }

    /// <summary>Null for a Unix socket.</summary>
    public IPEndPoint? EndPoint { get; }

    public static WorkloadEndpointAddress Parse(ReadOnlySpan<char> s) =>
        Read(s, out var address) is { } error
            ? throw new FormatException($"'{ErrorText.Cut(s)}' is not a Workload API address: {error}")
            : address!;

    public static bool TryParse(ReadOnlySpan<char> s, out WorkloadEndpointAddress? address) =>
        Read(s, out address) is null;

    public override string ToString() => SocketPath is null ? $"tcp://{EndPoint}" : "unix://" + EscapePath(SocketPath);

    /// <summary>Says what is wrong with <paramref name="s"/>, or null.</summary>
    private static string? Read(ReadOnlySpan<char> s, out WorkloadEndpointAddress? address)
    {
        address = null;
        if (s.Length > MaxLength)
        {
            return $"it is longer than {MaxLength} characters";
        }

        foreach (var c in s)
        {
            if (char.IsControl(c))
            {
                return "it has a control character";
            }

            if (!char.IsAscii(c))
            {
                return "it has a character outside ASCII; percent-encode it";
            }
        }

        if (s.Contains('?') || s.Contains('#'))
        {
            return "it has a query or a fragment";
        }

        return s switch
        {
            ['u', 'n', 'i', 'x', ':', .. var rest] => ReadUnix(rest, out address),
            ['t', 'c', 'p', ':', .. var rest] => ReadTcp(rest, out address),
            _ => "it starts with neither unix: nor tcp:",
        };
    }

    private static string? ReadUnix(ReadOnlySpan<char> s, out WorkloadEndpointAddress? address)
    {
        address = null;
        var path = s.StartsWith("//", StringComparison.Ordinal) ? s[2..] : s;
        if (path is not ['/', _, ..])
        {
            return "it has no absolute path; write it as unix:///run/meshca/agent.sock";
        }

        var plain = Uri.UnescapeDataString(path);
        if (plain.AsSpan().ContainsAnyInRange('\0', '\x1f'))
        {
            return "it has a control character";
        }

        address = new(plain, null);
        return null;
    }

    private static string? ReadTcp(ReadOnlySpan<char> s, out WorkloadEndpointAddress? address)
    {
        address = null;
        if (!s.StartsWith("//", StringComparison.Ordinal))
        {
            return "it has no host; write it as tcp://127.0.0.1:8081";
        }

        s = s[2..];
        if (s.Contains('@'))
        {
            return "it has a user name";
        }

        if (s.Contains('/'))
        {
            return "a tcp address has no path";
        }

        // IPEndPoint takes a missing port for 0, and 127.1 for 127.0.0.1: neither is meant here.
        var colon = s.LastIndexOf(':');
        if (colon < 0 || !TryReadPort(s[(colon + 1)..], out var port))
        {
            return "the port is missing or not from 1 to 65535";
        }

        var host = s[..colon];
        var isV6 = host is ['[', .., ']'];
        if (!IPAddress.TryParse(isV6 ? host[1..^1] : host, out var ip) || host.Contains(':') != isV6)
        {
            return "the host is not an IP address";
        }

        if (!isV6 && host.Count('.') != 3)
        {
            return "the host is not an IP address";
        }

        address = new(null, new IPEndPoint(ip, port));
        return null;
    }

    private static bool TryReadPort(ReadOnlySpan<char> s, out ushort port) =>
        ushort.TryParse(s, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port != 0;

    private static string EscapePath(string path) =>
        string.Join('/', path.Split('/').Select(static segment => Uri.EscapeDataString(segment)));
}
