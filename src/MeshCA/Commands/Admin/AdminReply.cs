using System.Text.Json.Nodes;

namespace MeshCA.Commands.Admin;

/// <summary>A successful answer.</summary>
internal sealed record AdminReply(string Body, string? ETag)
{
    public JsonObject Json() =>
        JsonNode.Parse(Body) as JsonObject
        ?? throw new AdminException("the answer is not a JSON object; is this a MeshCA server?");
}
