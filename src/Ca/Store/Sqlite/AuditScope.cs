namespace MeshCA.Ca.Store.Sqlite;

/// <summary>
/// An audit record that the store writes in the transaction of the next change that this call makes: both or neither,
/// and one wait for the disk instead of two.
/// </summary>
/// <remarks>It flows with the call, so that the registries between an API and the store need not hand it through.</remarks>
internal sealed class AuditScope(string name, TimeProvider time, Func<StoreChange?, byte[]> detail)
{
    private static readonly AsyncLocal<AuditScope?> _current = new();

    /// <summary>Null where nobody asked for a record. Set in an async method it ends with that method.</summary>
    public static AuditScope? Current
    {
        get => _current.Value;
        set => _current.Value = value;
    }

    /// <summary>Called by the writer after the change, which is null where it is not one that agents are sent.</summary>
    public void Append(SqliteSession session, StoreChange? change) =>
        new SqliteAudit(session, time.GetUtcNow()).Append(System.Text.Encoding.ASCII.GetBytes(name), detail(change));
}
