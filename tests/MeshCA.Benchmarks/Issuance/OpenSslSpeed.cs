using System.Diagnostics;
using System.Globalization;

namespace MeshCA.Benchmarks.Issuance;

/// <summary>What the machine's OpenSSL does with P-256 at this moment, by its own measurement.</summary>
internal sealed record OpenSslSpeed(double SignsPerSecond, double VerifiesPerSecond)
{
    /// <summary>Certificates a second if nothing but this cost time: the CSR's proof, the signature, the check of one's own signature.</summary>
    public double Limit => 1 / ((2 / VerifiesPerSecond) + (1 / SignsPerSecond));

    public static async Task<OpenSslSpeed> MeasureAsync(int processes, TimeSpan duration, CancellationToken ct)
    {
        string[] multi = processes > 1 ? ["-multi", processes.ToString(CultureInfo.InvariantCulture)] : [];
        var seconds = ((int)duration.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        using var process = Process.Start(
            new ProcessStartInfo("openssl", ["speed", .. multi, "-seconds", seconds, "ecdsap256"])
            {
                RedirectStandardOutput = true,
                UseShellExecute = false,
                RedirectStandardError = true,
            }
        )!;
        var errors = process.StandardError.ReadToEndAsync(ct);
        var output = await process.StandardOutput.ReadToEndAsync(ct);
        await errors;
        await process.WaitForExitAsync(ct);

        // " 256 bits ecdsa (nistp256)   0.0000s   0.0001s  54700.0  19900.0"
        var fields = output
            .Split('\n')
            .Single(line => line.Contains("ecdsa (nistp256)", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return new(
            double.Parse(fields[^2], CultureInfo.InvariantCulture),
            double.Parse(fields[^1], CultureInfo.InvariantCulture)
        );
    }
}
