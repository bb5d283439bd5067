using System.Text.Json;
using System.Text.Unicode;

namespace MeshCA.Ca.Rest;

/// <summary>Parses a request body whose size is bounded already.</summary>
internal static class JsonBody
{
    public const int MaxSize = 64 * 1024;

    public const int MaxDepth = 32;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = MaxDepth };

    /// <summary>The document, or a 400 that says where it ends to be JSON.</summary>
    public static JsonDocument Parse(ReadOnlyMemory<byte> body)
    {
        if (body.IsEmpty)
        {
            throw Bad("the body is empty; send a JSON object");
        }

        if (!Utf8.IsValid(body.Span))
        {
            throw Bad("the body is not valid UTF-8");
        }

        try
        {
            return JsonDocument.Parse(body, Options);
        }
        catch (JsonException e)
        {
            throw Bad(
                IsTooDeep(body.Span)
                    ? $"the body is nested deeper than {MaxDepth} levels"
                    : $"the body is not JSON: error at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}"
            );
        }
    }

    /// <summary>For actions without members: nothing, or an object without any.</summary>
    public static void ExpectNothing(ReadOnlyMemory<byte> body)
    {
        if (body.IsEmpty)
        {
            return;
        }

        using var document = Parse(body);
        var errors = new FieldErrors();
        new JsonFields(document.RootElement, "", errors).End();
        errors.ThrowIfAny();
    }

    private static bool IsTooDeep(ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = MaxSize });
        try
        {
            while (reader.Read())
            {
                if (
                    reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray
                    && reader.CurrentDepth >= MaxDepth
                )
                {
                    return true;
                }
            }
        }
        catch (JsonException)
        {
            // Broken before it got too deep.
        }

        return false;
    }

    private static ProblemException Bad(string reason) =>
        new(ProblemKind.Malformed, reason) { Errors = [new("", reason)] };
}
