using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace MeshCA.Testing.NodeAgent;

/// <summary>Keeps every log line, so that a test can look for one, or for one that must not be there.</summary>
internal sealed class ListLoggerProvider : ILoggerProvider
{
    public ConcurrentQueue<(LogLevel Level, string Text)> Lines { get; } = [];

    public ILogger CreateLogger(string categoryName) => new ListLogger(Lines);

    public void Dispose() { }

    private sealed class ListLogger(ConcurrentQueue<(LogLevel Level, string Text)> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) =>
            lines.Enqueue(
                (logLevel, exception is null ? formatter(state, null) : $"{formatter(state, exception)}: {exception}")
            );
    }
}
