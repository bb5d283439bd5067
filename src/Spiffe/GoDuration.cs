using System.Buffers;
using System.Globalization;
using System.Text;

namespace MeshCA.Spiffe;

/// <summary>Durations as Go writes them, <c>1h30m</c>, <c>90s</c>, <c>250ms</c>; the form of configuration and REST. Never negative.</summary>
/// <remarks>Takes what https://pkg.go.dev/time#ParseDuration takes, without a sign, down to 100 ns.</remarks>
public static class GoDuration
{
    private const int MaxLength = 64;

    private static readonly SearchValues<char> _number = SearchValues.Create("0123456789.");

    public static TimeSpan Parse(ReadOnlySpan<char> s) =>
        Read(s, out var value) is { } error
            ? throw new FormatException($"'{ErrorText.Cut(s)}' is not a duration: {error}")
            : value;

    public static bool TryParse(ReadOnlySpan<char> s, out TimeSpan value) => Read(s, out value) is null;

    /// <summary>The short form, without zero units: <c>1h30m</c>, <c>1m30s</c>, <c>8760h</c>, <c>0s</c>.</summary>
    public static string Format(TimeSpan value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
        if (value == TimeSpan.Zero)
        {
            return "0s";
        }

        var text = new StringBuilder();
        var ticks = value.Ticks;
        Append(text, ref ticks, TimeSpan.TicksPerHour, "h");
        Append(text, ref ticks, TimeSpan.TicksPerMinute, "m");
        Append(text, ref ticks, TimeSpan.TicksPerSecond, "s");
        Append(text, ref ticks, TimeSpan.TicksPerMillisecond, "ms");
        Append(text, ref ticks, TimeSpan.TicksPerMicrosecond, "us");
        return ticks == 0 ? text.ToString() : text.Append(ticks * TimeSpan.NanosecondsPerTick).Append("ns").ToString();
    }

    private static void Append(StringBuilder text, ref long ticks, long unit, string name)
    {
        var (count, rest) = Math.DivRem(ticks, unit);
        ticks = rest;
        if (count > 0)
        {
            text.Append(count).Append(name);
        }
    }

    /// <summary>Says what is wrong with <paramref name="s"/>, or null.</summary>
    private static string? Read(ReadOnlySpan<char> s, out TimeSpan value)
    {
        value = default;
        switch (s)
        {
            case "":
                return "it is empty; write one such as 30s, 5m or 1h30m";
            case "0":
                return null;
            case { Length: > MaxLength }:
                return $"it is longer than {MaxLength} characters";
            case ['-', ..]:
                return "it is negative";
        }

        var ticks = 0m;
        while (!s.IsEmpty)
        {
            var digits = s.IndexOfAnyExcept(_number);
            if (digits <= 0)
            {
                return digits < 0
                    ? "a number has no unit; write one such as 30s, 5m or 1h30m"
                    : "it is not of the form 30s, 5m or 1h30m";
            }

            if (!decimal.TryParse(s[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var n))
            {
                return "a number in it cannot be read";
            }

            s = s[digits..];
            var letters = s.IndexOfAny(_number);
            var unit = letters < 0 ? s : s[..letters];
            if (TicksPer(unit) is not { } ticksPerUnit)
            {
                return $"the unit '{ErrorText.Cut(unit)}' is none of ns, us, ms, s, m, h";
            }

            s = s[unit.Length..];
            if (n > TimeSpan.MaxValue.Ticks || (ticks += n * ticksPerUnit) > TimeSpan.MaxValue.Ticks)
            {
                return "it is too long";
            }
        }

        if (ticks != decimal.Truncate(ticks))
        {
            return "it is finer than 100ns";
        }

        value = new TimeSpan((long)ticks);
        return null;
    }

    private static decimal? TicksPer(ReadOnlySpan<char> unit) =>
        unit switch
        {
            "ns" => 1m / TimeSpan.NanosecondsPerTick,
            // The micro sign and the Greek letter look alike, and Go takes both.
            "us" or "\u00b5s" or "\u03bcs" => TimeSpan.TicksPerMicrosecond,
            "ms" => TimeSpan.TicksPerMillisecond,
            "s" => TimeSpan.TicksPerSecond,
            "m" => TimeSpan.TicksPerMinute,
            "h" => TimeSpan.TicksPerHour,
            _ => null,
        };
}
