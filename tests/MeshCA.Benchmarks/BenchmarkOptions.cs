using System.Globalization;

namespace MeshCA.Benchmarks;

/// <summary>How long to measure. Rates drift on shared machines, so rounds are interleaved and medians taken.</summary>
internal sealed record BenchmarkOptions(int Rounds, TimeSpan Duration)
{
    public static BenchmarkOptions Parse(ReadOnlySpan<string> args)
    {
        var options = new BenchmarkOptions(Rounds: 5, TimeSpan.FromSeconds(3));
        for (var i = 0; i + 1 < args.Length; i += 2)
        {
            var value = int.Parse(args[i + 1], CultureInfo.InvariantCulture);
            options = args[i] switch
            {
                "--rounds" => options with { Rounds = value },
                "--seconds" => options with { Duration = TimeSpan.FromSeconds(value) },
                _ => throw new ArgumentException($"unknown option {args[i]}", nameof(args)),
            };
        }

        return options;
    }
}
