using System.Text.Json.Serialization;

namespace MeshCA.Ca.Store.Sqlite;

/// <summary>The lists that a column holds as JSON.</summary>
[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(SortedDictionary<string, string>))]
internal sealed partial class SqliteJson : JsonSerializerContext;
