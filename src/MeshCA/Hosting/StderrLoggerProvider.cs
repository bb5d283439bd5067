using System.Globalization;
using System.Text;

namespace MeshCA.Hosting;

/// <summary>
/// One line on stderr for each message: time, level, source, text. Line breaks and control characters are shown, not sent,
/// so that no foreign text can forge a line.
/// </summary>
internal sealed class StderrLoggerProvider(TextWriter output, TimeProvider time) : ILoggerProvider
{
    private readonly Lock _lock = new();

    public ILogger CreateLogger(string categoryName) => new StderrLogger(this, Shorten(categoryName));

    public void Dispose() { }

    private static string Shorten(string category) =>
        category.StartsWith("MeshCA.", StringComparison.Ordinal)
            ? category[(category.LastIndexOf('.') + 1)..]
            : category;

    private static string Name(LogLevel level) =>
        level switch
        {
            LogLevel.Trace => "trace",
            LogLevel.Debug => "debug",
            LogLevel.Information => "info",
            LogLevel.Warning => "warning",
            LogLevel.Error => "error",
            _ => "critical",
        };

    private void Write(LogLevel level, string category, string message, Exception? exception)
    {
        var line = new StringBuilder(160);
        line.Append(
            time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)
        );
        line.Append(' ').Append(Name(level)).Append(' ').Append(category).Append(": ");
        Escape(line, message);
        if (exception is not null)
        {
            line.Append(" | ");
            Escape(line, exception.ToString());
        }

        line.Append('\n');
        lock (_lock)
        {
            try
            {
                output.Write(line.ToString());
                output.Flush();
            }
            catch (IOException)
            {
                // Whoever read our stderr is gone. That must not take identities from anybody.
            }
        }
    }

    private static void Escape(StringBuilder line, string text)
    {
        foreach (var c in text)
        {
            switch (c)
            {
                case '\n':
                    line.Append("\\n");
                    break;
                case '\r':
                    break;
                case '\t':
                    line.Append(' ');
                    break;
                default:
                    line.Append(char.IsControl(c) || c is '\u2028' or '\u2029' ? '\ufffd' : c);
                    break;
            }
        }
    }

    private sealed class StderrLogger(StderrLoggerProvider provider, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            // Why a host did not start is said by the command, without a stack where it needs none.
            if (eventId.Name != "HostedServiceStartupFaulted")
            {
                provider.Write(logLevel, category, formatter(state, exception), exception);
            }
        }
    }
}

/// <summary>The logging of every host.</summary>
internal static class StderrLogging
{
    /// <summary>Our own messages from <paramref name="level"/> on; the framework's only when something is wrong.</summary>
    public static ILoggingBuilder AddStderr(this ILoggingBuilder logging, LogLevel level)
    {
        var framework = level < LogLevel.Information ? LogLevel.Information : LogLevel.Warning;
        return logging
            .ClearProviders()
            .AddProvider(new StderrLoggerProvider(Console.Error, TimeProvider.System))
            .SetMinimumLevel(level)
            .AddFilter("Microsoft", framework > level ? framework : level)
            .AddFilter("System", framework > level ? framework : level)
            .AddFilter("Grpc", framework > level ? framework : level);
    }
}
