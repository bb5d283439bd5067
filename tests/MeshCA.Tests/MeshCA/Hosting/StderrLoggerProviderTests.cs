using MeshCA.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace MeshCA.Tests.Hosting;

public sealed class StderrLoggerProviderTests
{
    private static readonly DateTimeOffset _now = new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);

    [Fact]
    public void Log_Message_IsOneLine() =>
        Assert.Equal(
            "2026-01-02T03:04:05.678Z warning Issuer: issued 1\n",
            Write("MeshCA.Ca.Issuance.Issuer", static l => Log(l, "issued 1", null))
        );

    [Fact]
    public void Log_ForeignCategory_IsWhole() =>
        Assert.StartsWith(
            "2026-01-02T03:04:05.678Z warning Microsoft.Hosting: ",
            Write("Microsoft.Hosting", static l => Log(l, "x", null)),
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("a\nerror: forged", "a\\nerror: forged")]
    [InlineData("a\r\nb", "a\\nb")]
    [InlineData("a\e[2Jb", "a\ufffd[2Jb")]
    [InlineData("a\tb", "a b")]
    [InlineData("a\u2028b", "a\ufffdb")]
    public void Log_LineBreaksAndControlCharacters_CannotForgeALine(string message, string shown) =>
        Assert.Equal($"2026-01-02T03:04:05.678Z warning X: {shown}\n", Write("X", l => Log(l, message, null)));

    [Fact]
    public void Log_Exception_IsOnTheSameLine()
    {
        var text = Write("X", static l => Log(l, "failed", new InvalidOperationException("why\nso")));

        Assert.Equal(1, text.Count(static c => c == '\n'));
        Assert.Contains("failed | System.InvalidOperationException: why\\nso", text, StringComparison.Ordinal);
    }

    private static void Log(ILogger logger, string message, Exception? exception) =>
        logger.Log(LogLevel.Warning, default, message, exception, static (state, _) => state);

    private static string Write(string category, Action<ILogger> log)
    {
        using var output = new StringWriter();
        using var provider = new StderrLoggerProvider(output, new FakeTimeProvider(_now));
        log(provider.CreateLogger(category));
        return output.ToString();
    }
}
