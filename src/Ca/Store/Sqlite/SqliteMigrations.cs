using System.Globalization;
using System.Reflection;
using MeshCA.Spiffe;
using Microsoft.Data.Sqlite;

namespace MeshCA.Ca.Store.Sqlite;

/// <summary>Brings a store file to this version's schema. <c>user_version</c> is the number of the last migration applied.</summary>
internal static class SqliteMigrations
{
    private const string Prefix = "MeshCA.Ca.Store.Sqlite.Migrations.";

    private static readonly Assembly _assembly = typeof(SqliteMigrations).Assembly;

    /// <summary>The embedded scripts <c>0001_name.sql</c>, <c>0002_name.sql</c>, …, in order and without a gap.</summary>
    private static readonly string[] _scripts =
    [
        .. _assembly
            .GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal),
    ];

    public static int Newest => _scripts.Length;

    public static void Apply(SqliteConnection connection, string path)
    {
        var present = Version(connection);
        if (present > Newest)
        {
            throw new MeshCaException(
                ErrorKind.FailedPrecondition,
                $"store {path} has schema version {present} and this meshca knows versions up to {Newest}: "
                    + "a newer meshca has written it; run that version, or restore a backup made before the upgrade"
            );
        }

        for (var i = present; i < Newest; i++)
        {
            using var transaction = connection.BeginTransaction();
            using var command = connection.CreateCommand();
            command.Transaction = transaction;
            command.CommandText = Read(_scripts[i]);
            command.ExecuteNonQuery();
            command.CommandText = string.Create(CultureInfo.InvariantCulture, $"PRAGMA user_version = {i + 1}");
            command.ExecuteNonQuery();
            transaction.Commit();
        }
    }

    private static int Version(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA user_version";
        return Convert.ToInt32(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    private static string Read(string script)
    {
        using var reader = new StreamReader(_assembly.GetManifestResourceStream(script)!);
        return reader.ReadToEnd();
    }
}
