using System.Globalization;
using System.Text;

namespace MeshCA.NodeAgent.Peers;

/// <summary>When a process started, in clock ticks since boot (proc_pid_stat(5), field 22).</summary>
internal static class ProcessStart
{
    /// <summary>USER_HZ, which Linux has fixed at 100 towards user space on every architecture that .NET runs on.</summary>
    private const int TicksPerSecond = 100;

    /// <summary>The present on the same clock, rounded up: no living process started later.</summary>
    public static ulong Now
    {
        get
        {
            var uptime = File.ReadAllText("/proc/uptime").Split(' ', '.');
            return (ulong.Parse(uptime[0], CultureInfo.InvariantCulture) + 1) * TicksPerSecond;
        }
    }

    /// <summary>Null if there is no such process or it is a zombie.</summary>
    public static ulong? Read(int pid)
    {
        Span<byte> buffer = stackalloc byte[1024];
        int read;
        try
        {
            using var file = File.OpenHandle($"/proc/{pid}/stat");
            read = RandomAccess.Read(file, buffer, 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        return Parse(buffer[..read]);
    }

    /// <summary>The name, field 2, is in parentheses and may hold anything, parentheses and blanks too: look for the last.</summary>
    internal static ulong? Parse(ReadOnlySpan<byte> stat)
    {
        var end = stat.LastIndexOf((byte)')');
        if (end < 0 || end + 2 >= stat.Length)
        {
            return null;
        }

        var fields = Encoding.ASCII.GetString(stat[(end + 2)..]).Split(' ');
        return
            fields.Length > 19
            && fields[0] is not ("Z" or "X")
            && ulong.TryParse(fields[19], NumberStyles.None, CultureInfo.InvariantCulture, out var start)
            ? start
            : null;
    }
}
