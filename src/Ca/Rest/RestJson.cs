using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MeshCA.Ca.Rest;

/// <summary>Writes the API's documents; requests are read by <see cref="JsonFields"/>, which is stricter.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ProblemJson))]
[JsonSerializable(typeof(EntryJson))]
[JsonSerializable(typeof(ListJson<EntryJson>), TypeInfoPropertyName = "EntryList")]
[JsonSerializable(typeof(JoinTokenJson))]
[JsonSerializable(typeof(AgentJson))]
[JsonSerializable(typeof(ListJson<AgentJson>), TypeInfoPropertyName = "AgentList")]
[JsonSerializable(typeof(ListJson<BundleJson>), TypeInfoPropertyName = "BundleList")]
[JsonSerializable(typeof(IdentityJson))]
[JsonSerializable(typeof(ListJson<IdentityJson>), TypeInfoPropertyName = "IdentityList")]
[JsonSerializable(typeof(AuthorityJson))]
[JsonSerializable(typeof(ListJson<AuthorityJson>), TypeInfoPropertyName = "AuthorityList")]
[JsonSerializable(typeof(AuditDetailJson))]
[JsonSerializable(typeof(HealthJson))]
[JsonSerializable(typeof(VersionJson))]
[JsonSerializable(typeof(AnswerJson))]
internal sealed partial class RestJson : JsonSerializerContext
{
    /// <summary>Not escaped for HTML: the answers are JSON, and people read them.</summary>
    public static readonly RestJson Api = new(
        new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }
    );
}
