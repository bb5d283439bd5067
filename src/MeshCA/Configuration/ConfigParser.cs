using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace MeshCA.Configuration;

/// <summary>
/// Reads the part of YAML that a configuration needs: maps, lists and scalars, one document. Anchors, aliases, tags and
/// merge keys are refused, so that what is read is what is written, and cannot grow.
/// </summary>
internal static class ConfigParser
{
    public const int MaxBytes = 1 << 20;

    private const int MaxDepth = 16;

    /// <summary>Null when the file cannot be read as YAML at all; <paramref name="errors"/> says why.</summary>
    public static ConfigMap? ParseFile(string path, ConfigErrors errors)
    {
        try
        {
            var file = new FileInfo(path);
            if (file.Exists && file.Length > MaxBytes)
            {
                errors.Add("", 0, $"the file is larger than {MaxBytes >> 20} MiB; is it the right one");
                return null;
            }

            return Parse(File.ReadAllText(path), errors);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            errors.Add("", 0, "there is no such file; name one with --config FILE");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add("", 0, $"it cannot be read: {e.Message.TrimEnd('.')}; check its owner and mode");
        }

        return null;
    }

    public static ConfigMap? Parse(string text, ConfigErrors errors)
    {
        if (text.Length > MaxBytes)
        {
            errors.Add("", 0, $"the file is larger than {MaxBytes >> 20} MiB; is it the right one");
            return null;
        }

        try
        {
            var parser = new Parser(new StringReader(text));
            parser.Consume<StreamStart>();
            if (parser.Accept<StreamEnd>(out _))
            {
                return new(1, []);
            }

            parser.Consume<DocumentStart>();
            var root = ReadNode(parser, "", 0, errors);
            parser.Consume<DocumentEnd>();
            if (parser.Accept<DocumentStart>(out var second))
            {
                errors.Add("", (int)second.Start.Line, "a second document starts; keep one in a file");
            }

            switch (root)
            {
                case ConfigMap map:
                    return map;
                case ConfigScalar { IsNull: true }:
                    return new(1, []);
                default:
                    errors.Add("", root.Line, "the file is not a map; write it as key: value lines");
                    return null;
            }
        }
        catch (YamlException e)
        {
            errors.Add(
                "",
                (int)e.Start.Line,
                $"not YAML: {Sentence(e.Message)}; check indentation, quotes and brackets"
            );
            return null;
        }
    }

    private static ConfigNode ReadNode(Parser parser, string path, int depth, ConfigErrors errors)
    {
        var start = parser.Current!.Start;
        var line = (int)start.Line;
        if (depth > MaxDepth)
        {
            throw new YamlException(start, start, $"nested more than {MaxDepth} deep");
        }

        if (parser.TryConsume<AnchorAlias>(out var alias))
        {
            errors.Add(path, line, $"*{alias.Value} is an alias; write the value itself");
            return new ConfigScalar(line, "", IsQuoted: true);
        }

        if (parser.Current is NodeEvent node && (!node.Anchor.IsEmpty || !node.Tag.IsEmpty))
        {
            errors.Add(path, line, "it has an anchor or a tag; write the plain value");
        }

        if (parser.TryConsume<Scalar>(out var scalar))
        {
            return new ConfigScalar(line, scalar.Value, scalar.Style != ScalarStyle.Plain);
        }

        if (parser.TryConsume<SequenceStart>(out _))
        {
            var items = new List<ConfigNode>();
            while (!parser.TryConsume<SequenceEnd>(out _))
            {
                items.Add(ReadNode(parser, $"{path}[{items.Count}]", depth + 1, errors));
            }

            return new ConfigList(line, items);
        }

        parser.Consume<MappingStart>();
        return ReadMap(parser, path, line, depth, errors);
    }

    private static ConfigMap ReadMap(Parser parser, string path, int line, int depth, ConfigErrors errors)
    {
        var entries = new Dictionary<string, ConfigEntry>(StringComparer.Ordinal);
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            var keyLine = (int)parser.Current!.Start.Line;
            if (ReadNode(parser, path, depth + 1, errors) is not ConfigScalar key)
            {
                errors.Add(path, keyLine, "a key is a list or a map; write plain keys");
                _ = ReadNode(parser, path, depth + 1, errors);
                continue;
            }

            var inner = ConfigPath.Join(path, key.Text);
            var value = ReadNode(parser, inner, depth + 1, errors);
            if (!entries.TryAdd(key.Text, new(keyLine, key.Text, value)))
            {
                errors.Add(
                    inner,
                    keyLine,
                    $"the key is there twice, first on line {entries[key.Text].Line}; remove one"
                );
            }
        }

        return new(line, [.. entries.Values]);
    }

    private static string Sentence(string message)
    {
        var text = message.ReplaceLineEndings(" ").TrimEnd('.');
        return text.Length == 0 ? "unreadable" : char.ToLowerInvariant(text[0]) + text[1..];
    }
}
