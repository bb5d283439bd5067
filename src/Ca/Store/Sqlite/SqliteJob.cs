using MeshCA.Spiffe;

namespace MeshCA.Ca.Store.Sqlite;

/// <summary>One unit of work of the writer, which is committed whole or not at all.</summary>
internal abstract class SqliteJob(Durability durability, CancellationToken ct)
{
    public Durability Durability { get; } = durability;

    /// <summary>Its caller has gone before it began.</summary>
    public bool Abandoned => ct.IsCancellationRequested;

    /// <summary>Set if it failed; its changes are rolled back.</summary>
    public Exception? Error { get; set; }

    protected CancellationToken Token => ct;

    public abstract void Run(SqliteSession session);

    /// <summary>Tells observers, in commit order; not called if the job failed.</summary>
    public abstract void Publish();

    public abstract void Complete();
}

internal sealed class SqliteJob<T>(
    Func<SqliteSession, T> work,
    Durability durability,
    Action<T>? committed,
    CancellationToken ct
) : SqliteJob(durability, ct)
{
    private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T _result = default!;

    public Task<T> Task => _completion.Task;

    public override void Run(SqliteSession session) => _result = work(session);

    public override void Publish() => committed?.Invoke(_result);

    public override void Complete()
    {
        switch (Error)
        {
            case null:
                _completion.TrySetResult(_result);
                break;
            case OperationCanceledException:
                _completion.TrySetCanceled(Token);
                break;
            case MeshCaException e:
                // A stack trace belongs to one throw: several callers may be told of one failed commit.
                _completion.TrySetException(new MeshCaException(e.Kind, e.Message, e) { Errors = e.Errors });
                break;
            default:
                _completion.TrySetException(Error);
                break;
        }
    }
}
