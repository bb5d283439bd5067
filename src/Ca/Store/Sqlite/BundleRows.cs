using Google.Protobuf;
using MeshCA.Ca.AgentApi;
using MeshCA.Protos.V1;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Store.Sqlite;

/// <summary>Trust bundles as rows of the table of that name.</summary>
internal static class BundleRows
{
    public static List<TrustBundle> ReadAll(SqliteSession session)
    {
        var bundles = new List<TrustBundle>();
        using var reader = session.Command("SELECT bundle FROM bundles ORDER BY trust_domain").ExecuteReader();
        while (reader.Read())
        {
            bundles.Add(AgentProto.FromProto(Bundle.Parser.ParseFrom(reader.GetFieldValue<byte[]>(0))));
        }

        return bundles;
    }

    public static void Put(SqliteSession session, TrustBundle bundle, long revision) =>
        session.Execute(
            "INSERT OR REPLACE INTO bundles (trust_domain, bundle, revision) VALUES ($1, $2, $3)",
            bundle.TrustDomain.Name,
            AgentProto.ToProto(bundle).ToByteArray(),
            revision
        );

    public static bool Delete(SqliteSession session, TrustDomain trustDomain) =>
        session.Execute("DELETE FROM bundles WHERE trust_domain = $1", trustDomain.Name) > 0;
}
