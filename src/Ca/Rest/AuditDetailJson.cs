using System.Text.Json.Serialization;

namespace MeshCA.Ca.Rest;

/// <summary>What the audit log keeps of a change that an administrator made.</summary>
internal sealed record AuditDetailJson(
    string Caller,
    string RequestId,
    string Target,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] EntryJson? Entry
);
