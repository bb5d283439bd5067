namespace MeshCA.Configuration;

/// <summary>Everything that is wrong with one file, collected so that it can be said at once.</summary>
internal sealed class ConfigErrors(string file)
{
    /// <summary>A file that is wrong from end to end is not worth more lines than this.</summary>
    private const int Max = 100;

    private readonly List<(int Line, string Text)> _errors = [];
    private readonly List<(int Line, string Text)> _warnings = [];

    public string File { get; } = file;

    public bool Any => _errors.Count > 0;

    /// <summary>In the order of the file.</summary>
    public IEnumerable<string> Errors => _errors.OrderBy(static e => e.Line).Select(static e => e.Text).Take(Max);

    public IEnumerable<string> Warnings => _warnings.OrderBy(static w => w.Line).Select(static w => w.Text).Take(Max);

    /// <summary>Adds an error.</summary>
    /// <param name="path">Keys joined by dots; empty for the file as a whole.</param>
    /// <param name="line">0 = no particular one.</param>
    /// <param name="message">What is wrong; the remedy.</param>
    public void Add(string path, int line, string message) => _errors.Add((line, Format(path, line, message)));

    public void Warn(string path, int line, string message) => _warnings.Add((line, Format(path, line, message)));

    private string Format(string path, int line, string message)
    {
        var place = (path, line) switch
        {
            ("", 0) => "",
            ("", _) => $"line {line}: ",
            (_, 0) => $"{path}: ",
            _ => $"{path} (line {line}): ",
        };
        return $"{File}: {place}{message}";
    }
}
