using System.Globalization;
using System.Net;
using MeshCA.Spiffe;

namespace MeshCA.Configuration;

/// <summary>
/// One map of a configuration file, read key by key. Every read that fails adds an error and answers something usable, so
/// that reading goes on; <see cref="End"/> then names the keys that nobody asked for.
/// </summary>
internal sealed class ConfigSection
{
    private const string NotYet = "not available in this version; remove it";

    private readonly ConfigErrors _errors;
    private readonly ISet<string>? _known;
    private readonly Dictionary<string, ConfigEntry> _entries;
    private readonly List<string> _asked = [];
    private readonly string _folder;
    private readonly string _path;
    private readonly int _line;

    private ConfigSection(ConfigSection parent, string path, ConfigMap map, bool isPresent)
        : this(map, path, parent._folder, parent._errors, parent._known) => IsPresent = isPresent;

    private ConfigSection(ConfigMap map, string path, string folder, ConfigErrors errors, ISet<string>? known)
    {
        (_line, _path, _folder, _errors, _known) = (map.Line, path, folder, errors, known);
        _entries = map.Entries.ToDictionary(static e => e.Key, StringComparer.Ordinal);
    }

    /// <summary>False for a section that the file does not have: all its values are the defaults.</summary>
    public bool IsPresent { get; } = true;

    /// <summary>True: nothing is validated, every kind is read, and the paths of all keys are collected.</summary>
    public bool Collects => _known is not null;

    public bool IsEmpty => _entries.Count == 0;

    public ConfigErrors Errors => _errors;

    /// <summary>The file's outermost map.</summary>
    /// <param name="root">The whole file.</param>
    /// <param name="folder">Where relative paths start; absolute.</param>
    /// <param name="errors">Filled.</param>
    /// <param name="known">Filled with the path of every key that exists, of every kind, for the documentation's test.</param>
    public static ConfigSection Root(ConfigMap root, string folder, ConfigErrors errors, ISet<string>? known = null) =>
        new(root, "", folder, errors, known);

    public bool Has(string key) => _entries.ContainsKey(key);

    public void Error(string key, string message) => _errors.Add(PathOf(key), LineOf(key), message);

    public void Warn(string key, string message) => _errors.Warn(PathOf(key), LineOf(key), message);

    /// <summary>Text; null when absent or wrong.</summary>
    public string? Text(string key, bool required = false, string example = "")
    {
        if (Scalar(key, required, example) is not { } scalar)
        {
            return null;
        }

        if (!scalar.IsQuoted && (scalar.IsBool || double.TryParse(scalar.Text, CultureInfo.InvariantCulture, out _)))
        {
            Error(
                key,
                $"{scalar.Text} is {(scalar.IsBool ? "a boolean" : "a number")}, not text; put it in quotes if it is meant"
            );
            return null;
        }

        return scalar.Text;
    }

    /// <summary>Text that is not empty.</summary>
    public string? NonEmpty(string key, bool required = false, string example = "")
    {
        var text = Text(key, required, example);
        if (text is "")
        {
            Error(key, $"it is empty; {(example.Length > 0 ? $"write one such as {example}" : "write a value")}");
            return null;
        }

        return text;
    }

    public bool Bool(string key, bool defaultValue = false)
    {
        if (Scalar(key, required: false, "true or false") is not { } scalar)
        {
            return defaultValue;
        }

        if (!scalar.IsBool)
        {
            Error(key, $"'{Cut(scalar.Text)}' is not a boolean; write true or false");
            return defaultValue;
        }

        return scalar.Text.Equals("true", StringComparison.OrdinalIgnoreCase);
    }

    public TimeSpan Duration(string key, TimeSpan defaultValue, TimeSpan min, TimeSpan max)
    {
        if (Scalar(key, required: false, "1h30m") is not { } scalar)
        {
            return defaultValue;
        }

        TimeSpan value;
        try
        {
            value = GoDuration.Parse(scalar.Text);
        }
        catch (FormatException e)
        {
            Error(key, e.Message);
            return defaultValue;
        }

        if (value < min || value > max)
        {
            Error(
                key,
                $"{scalar.Text} is out of range; write one from {GoDuration.Format(min)} to {GoDuration.Format(max)}"
            );
            return defaultValue;
        }

        return value;
    }

    /// <summary>An IP address and port to listen on; null = off, where an empty text may say so.</summary>
    public IPEndPoint? Listen(string key, IPEndPoint defaultValue, bool mayBeOff)
    {
        const string form = "write ADDRESS:PORT such as 127.0.0.1:8081 or [::]:8081";
        if (Scalar(key, required: false, "127.0.0.1:8081") is not { } scalar)
        {
            return defaultValue;
        }

        if (scalar.Text.Length == 0)
        {
            if (!mayBeOff)
            {
                Error(key, $"it is empty, but this listener cannot be off; {form}");
            }

            return null;
        }

        if (
            !HostPort.TryParse(scalar.Text, minPort: 0, out var parsed)
            || !IPAddress.TryParse(parsed.Host, out var address)
        )
        {
            Error(
                key,
                $"'{Cut(scalar.Text)}' is not an address to listen on; {form}{(mayBeOff ? ", or \"\" for off" : "")}"
            );
            return defaultValue;
        }

        return new(address, parsed.Port);
    }

    /// <summary>A path made absolute; null when absent.</summary>
    public string? FilePath(string key, bool required = false, string example = "") =>
        NonEmpty(key, required, example) is { } text ? Absolute(key, text) : null;

    public string FilePath(string key, string defaultValue) =>
        FilePath(key, required: false) ?? Path.GetFullPath(defaultValue, _folder);

    public ConfigSection Section(string key)
    {
        Ask(key);
        if (!_entries.TryGetValue(key, out var entry))
        {
            return new(this, PathOf(key), new(LineOf(key), []), isPresent: false);
        }

        switch (entry.Value)
        {
            case ConfigMap map:
                return new(this, PathOf(key), map, isPresent: true);
            case ConfigScalar { IsNull: true }:
                Error(key, "the value is missing; write a map, or {} for all defaults");
                break;
            default:
                Error(key, "it is not a map; write it as key: value lines, or {} for all defaults");
                break;
        }

        return new(this, PathOf(key), new(entry.Line, []), isPresent: false);
    }

    /// <summary>The items of a list of whole numbers.</summary>
    public IReadOnlyList<uint> Numbers(string key)
    {
        Ask(key);
        if (!_entries.TryGetValue(key, out var entry))
        {
            return [];
        }

        if (entry.Value is not ConfigList list)
        {
            Error(key, "it is not a list; write it as [1000, 1001]");
            return [];
        }

        var numbers = new List<uint>();
        for (var i = 0; i < list.Items.Count; i++)
        {
            var item = list.Items[i];
            if (
                item is ConfigScalar { IsQuoted: false } s
                && uint.TryParse(s.Text, CultureInfo.InvariantCulture, out var n)
            )
            {
                numbers.Add(n);
            }
            else
            {
                _errors.Add($"{PathOf(key)}[{i}]", item.Line, "it is not a whole number from 0 to 4294967295");
            }
        }

        return numbers;
    }

    /// <summary>The keys of a map whose keys the user chooses.</summary>
    /// <param name="placeholder">What the documentation calls such a key.</param>
    public IReadOnlyList<string> Names(string placeholder) => Collects ? [placeholder] : [.. _entries.Keys];

    /// <summary>One text, or a list of them; for what will take several.</summary>
    public IReadOnlyList<string> TextOrList(string key, bool required, string example)
    {
        if (!_entries.TryGetValue(key, out var entry) || entry.Value is not ConfigList list)
        {
            return NonEmpty(key, required, example) is { } text ? [text] : [];
        }

        Ask(key);
        if (list.Items.Count > 1)
        {
            Error(key, "more than one is not available in this version; name one, which may have several addresses");
        }

        if (list.Items is not [ConfigScalar { IsNull: false } only])
        {
            Error(key, $"it is not a list of texts; write one such as {example}");
            return [];
        }

        return [only.Text];
    }

    /// <summary>
    /// The one kind that a "one of" map holds, read by its reader. With <paramref name="later"/> kinds that exist in the
    /// design and not in this version.
    /// </summary>
    public T? OneOf<T>(
        string key,
        IReadOnlyDictionary<string, Func<ConfigSection, string, T?>> kinds,
        IReadOnlyList<string> later,
        string what
    )
        where T : class => Section(key).OneOf(kinds, later, what, whole: (this, key));

    private T? OneOf<T>(
        IReadOnlyDictionary<string, Func<ConfigSection, string, T?>> kinds,
        IReadOnlyList<string> later,
        string what,
        (ConfigSection Parent, string Key) whole
    )
        where T : class
    {
        if (Collects)
        {
            T? any = null;
            foreach (var (kind, read) in kinds)
            {
                any = read(this, kind) ?? any;
            }

            return any;
        }

        _asked.AddRange(kinds.Keys);
        var choices = string.Join(", ", kinds.Keys);
        foreach (var kind in later.Where(_entries.ContainsKey))
        {
            _asked.Add(kind);
            Error(kind, $"{kind} is {NotYet}, or use one of: {choices}");
        }

        var chosen = kinds.Keys.Where(_entries.ContainsKey).ToList();
        if (chosen.Count + later.Count(_entries.ContainsKey) > 1)
        {
            whole.Parent.Error(
                whole.Key,
                $"it holds {_entries.Count} kinds of {what} where exactly one is wanted; keep one"
            );
            return null;
        }

        if (chosen is [var one])
        {
            var value = kinds[one](this, one);
            End();
            return value;
        }

        End();
        if (IsPresent && _entries.Count == 0)
        {
            whole.Parent.Error(whole.Key, $"it is empty; write one of: {choices}");
        }

        return null;
    }

    /// <summary>A key of the design that this version does not have.</summary>
    public void NotAvailable(string key)
    {
        _asked.Add(key);
        if (Has(key))
        {
            Error(key, NotYet);
        }
    }

    /// <summary>A section of the design that this version has no keys of: only <c>{}</c> is accepted.</summary>
    public void EmptyOnly(string key)
    {
        var section = Section(key);
        foreach (var entry in section._entries.Values)
        {
            section.Error(entry.Key, NotYet);
        }
    }

    /// <summary>Names the keys that nobody asked for.</summary>
    public void End()
    {
        foreach (var entry in _entries.Values.Where(e => !_asked.Contains(e.Key, StringComparer.Ordinal)))
        {
            var remedy = Spelling.Nearest(entry.Key, _asked) is { } near
                ? $"did you mean {near}"
                : $"known here: {string.Join(", ", _asked.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))}";
            Error(entry.Key, $"unknown key; {remedy}");
        }
    }

    private static string Cut(string text) =>
        string.Concat(
            (text.Length > 80 ? text[..80] + "…" : text).Select(static c => char.IsControl(c) ? '\ufffd' : c)
        );

    private string? Absolute(string key, string text)
    {
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            Error(key, "a path cannot hold a NUL character");
            return null;
        }

        return Path.GetFullPath(text, _folder);
    }

    private ConfigScalar? Scalar(string key, bool required, string example)
    {
        Ask(key);
        var such = example.Length > 0 ? $", such as {example}" : "";
        if (!_entries.TryGetValue(key, out var entry))
        {
            if (required && !Collects)
            {
                Error(key, $"it is required and missing; add {key}{such}");
            }

            return null;
        }

        switch (entry.Value)
        {
            case ConfigScalar { IsNull: true }:
                Error(key, $"the value is missing; write one{such}, or remove the key");
                return null;
            case ConfigScalar scalar:
                return scalar;
            default:
                Error(key, $"it is a {(entry.Value is ConfigMap ? "map" : "list")} where one value is wanted{such}");
                return null;
        }
    }

    private void Ask(string key)
    {
        _asked.Add(key);
        _known?.Add(PathOf(key));
    }

    private string PathOf(string key) => ConfigPath.Join(_path, key);

    private int LineOf(string key) => _entries.TryGetValue(key, out var entry) ? entry.Line : _line;
}
