using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace MeshCA.EndToEndTests.Parts;

/// <summary>A real process with its output kept; killed at the end whatever happened.</summary>
internal sealed partial class Program : IAsyncDisposable
{
    private const int SigTerm = 15;

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _out = new();
    private readonly ConcurrentQueue<string> _err = new();
    private readonly Task _readers;

    private Program(string name, Process process)
    {
        Name = name;
        _process = process;
        _readers = Task.WhenAll(Collect(process.StandardOutput, _out), Collect(process.StandardError, _err));
    }

    public string Name { get; }

    public int Pid => _process.Id;

    public bool HasExited => _process.HasExited;

    public IReadOnlyCollection<string> Out => _out;

    public string Err => string.Join('\n', _err);

    public static Program Start(
        string file,
        IEnumerable<string> arguments,
        int? uid = null,
        IReadOnlyDictionary<string, string>? environment = null
    )
    {
        IEnumerable<string> argv = [file, .. arguments];
        if (uid is { } u)
        {
            argv = [RealPart.SetPriv, $"--reuid={u}", $"--regid={u}", "--clear-groups", .. argv];
        }

        var start = new ProcessStartInfo(argv.First(), argv.Skip(1))
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = "/",
        };
        foreach (var (key, value) in environment ?? new Dictionary<string, string>(StringComparer.Ordinal))
        {
            start.Environment[key] = value;
        }

        return new(Path.GetFileName(file), Process.Start(start)!);
    }

    /// <summary>Runs it to its end.</summary>
    public static async Task<(int Code, string Out, string Err)> RunAsync(
        string file,
        IEnumerable<string> arguments,
        CancellationToken ct,
        int? uid = null,
        IReadOnlyDictionary<string, string>? environment = null
    )
    {
        await using var program = Start(file, arguments, uid, environment);
        var code = await program.ExitAsync(ct);
        return (code, string.Join('\n', program._out) + (program._out.IsEmpty ? "" : "\n"), program.Err);
    }

    /// <summary>Waits for a line on stdout.</summary>
    public async Task<string> LineAsync(Func<string, bool> wanted, TimeSpan timeout, CancellationToken ct)
    {
        string? line = null;
        await Eventually.TrueAsync(
            () => (line = _out.FirstOrDefault(wanted)) is not null || _process.HasExited,
            timeout,
            () => $"{Name} did not print the line in {timeout.TotalSeconds:0.#} s.\n{Tail()}",
            ct
        );
        Assert.True(line is not null, $"{Name} ended with {(_process.HasExited ? _process.ExitCode : 0)}.\n{Tail()}");
        return line!;
    }

    public async Task<int> ExitAsync(CancellationToken ct)
    {
        await _process.WaitForExitAsync(ct);
        await _readers;
        return _process.ExitCode;
    }

    /// <summary>kill -9: the process gets no chance to tidy up.</summary>
    public async Task KillAsync(CancellationToken ct)
    {
        _process.Kill();
        await ExitAsync(ct);
    }

    public async Task<int> TerminateAsync(CancellationToken ct)
    {
        _ = Kill(_process.Id, SigTerm);
        return await ExitAsync(ct);
    }

    public string Tail() => $"--- {Name} stdout\n{Last(_out)}\n--- {Name} stderr\n{Last(_err)}";

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    private static string Last(IEnumerable<string> lines) => string.Join('\n', lines.TakeLast(40));

    private static async Task Collect(StreamReader reader, ConcurrentQueue<string> into)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            into.Enqueue(line);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
