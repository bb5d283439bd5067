using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace MeshCA.Commands.Admin;

/// <summary>JSON written as YAML.</summary>
internal static class YamlText
{
    public static string Of(JsonNode node)
    {
        using var text = new StringWriter { NewLine = "\n" };
        var emitter = new Emitter(text);
        emitter.Emit(new StreamStart());
        emitter.Emit(new DocumentStart(version: null, tags: null, isImplicit: true));
        Emit(emitter, node);
        emitter.Emit(new DocumentEnd(isImplicit: true));
        emitter.Emit(new StreamEnd());
        return text.ToString();
    }

    private static void Emit(Emitter emitter, JsonNode? node)
    {
        switch (node)
        {
            case JsonObject map:
                emitter.Emit(
                    new MappingStart(
                        AnchorName.Empty,
                        TagName.Empty,
                        isImplicit: true,
                        map.Count == 0 ? MappingStyle.Flow : MappingStyle.Block
                    )
                );
                foreach (var (name, value) in map)
                {
                    emitter.Emit(Text(name));
                    Emit(emitter, value);
                }

                emitter.Emit(new MappingEnd());
                break;
            case JsonArray array:
                emitter.Emit(
                    new SequenceStart(
                        AnchorName.Empty,
                        TagName.Empty,
                        isImplicit: true,
                        array.Count == 0 ? SequenceStyle.Flow : SequenceStyle.Block
                    )
                );
                foreach (var item in array)
                {
                    Emit(emitter, item);
                }

                emitter.Emit(new SequenceEnd());
                break;
            case null:
                emitter.Emit(new Scalar("null"));
                break;
            case var value when value.GetValueKind() == JsonValueKind.String:
                emitter.Emit(Text((string)value!));
                break;
            default:
                emitter.Emit(new Scalar(node.ToJsonString()));
                break;
        }
    }

    /// <summary>Quoted unless it can be nothing but a string: <c>yes</c>, <c>1e3</c> and <c>2026-01-01</c> are other things in YAML.</summary>
    private static Scalar Text(string value)
    {
        var plain =
            value.Length > 0
            && char.IsAsciiLetter(value[0])
            && value.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '/' or '.' or ':')
            && !value.EndsWith(':')
            && value.ToLowerInvariant()
                is not ("true" or "false" or "null" or "yes" or "no" or "on" or "off" or "y" or "n");
        return new(
            AnchorName.Empty,
            TagName.Empty,
            value,
            plain ? ScalarStyle.Plain : ScalarStyle.DoubleQuoted,
            isPlainImplicit: plain,
            isQuotedImplicit: true
        );
    }
}
