using System.Threading.Channels;
using MeshCA.Spiffe;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace MeshCA.Ca.Store.Sqlite;

/// <summary>The one thread that writes. What waits while it commits shares the next commit.</summary>
internal sealed partial class SqliteWriter : IDisposable
{
    /// <summary>Callers beyond this wait for a place, so memory is bounded.</summary>
    private const int QueueLength = 4096;

    /// <summary>Bounds how long the first job of a commit waits for the last.</summary>
    private const int MaxJobsPerCommit = 512;

    private readonly SqliteSession _session;
    private readonly string _path;
    private readonly ILogger _logger;
    private readonly Thread _thread;
    private readonly AutoResetEvent _work = new(initialState: false);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<SqliteJob> _queue = Channel.CreateBounded<SqliteJob>(
        new BoundedChannelOptions(QueueLength) { SingleReader = true }
    );
    private readonly List<SqliteJob> _jobs = new(MaxJobsPerCommit);
    private Durability _durability;
    private volatile bool _stopping;

    public SqliteWriter(SqliteSession session, string path, ILogger logger)
    {
        _session = session;
        _path = path;
        _logger = logger;
        SetDurability(Durability.Power);
        _thread = new Thread(Run) { Name = "meshca-store", IsBackground = true };
        _thread.Start();
    }

    public async Task<T> RunAsync<T>(SqliteJob<T> job, CancellationToken ct)
    {
        try
        {
            await _queue.Writer.WriteAsync(job, ct);
        }
        catch (ChannelClosedException)
        {
            throw new MeshCaException(ErrorKind.Unavailable, "the server is stopping; try again");
        }

        _work.Set();
        return await job.Task;
    }

    /// <summary>Finishes what is queued, then ends the thread and closes the connection.</summary>
    public Task StopAsync()
    {
        _queue.Writer.TryComplete();
        _stopping = true;
        _work.Set();
        return _ended.Task;
    }

    public void Dispose() => _work.Dispose();

    private void Run()
    {
        while (true)
        {
            while (Collect())
            {
                CommitJobs();
            }

            if (_stopping && !_queue.Reader.TryPeek(out _))
            {
                break;
            }

            _work.WaitOne();
        }

        _session.Dispose();
        _ended.SetResult();
    }

    private bool Collect()
    {
        _jobs.Clear();
        while (_jobs.Count < MaxJobsPerCommit && _queue.Reader.TryRead(out var job))
        {
            _jobs.Add(job);
        }

        return _jobs.Count > 0;
    }

    private void CommitJobs()
    {
        try
        {
            // SQLite refuses to change it inside a transaction.
            SetDurability(
                _jobs.Exists(job => job.Durability == Durability.Power) ? Durability.Power : Durability.Process
            );
            _session.Execute("BEGIN IMMEDIATE");
            foreach (var job in _jobs)
            {
                RunJob(job);
            }

            _session.Execute("COMMIT");
        }
        catch (Exception e)
        {
            // Nothing of this commit was written: all its callers must know. The writer itself lives on.
            LogCommitFailed(e, _path, _jobs.Count);
            Rollback();
            var error = e is SqliteException s ? SqliteErrors.Unavailable(_path, s) : e;
            _jobs.ForEach(job => job.Error ??= error);
        }

        foreach (var job in _jobs)
        {
            try
            {
                if (job.Error is null)
                {
                    job.Publish();
                }
            }
            catch (Exception e)
            {
                LogObserverFailed(e);
            }

            job.Complete();
        }
    }

    /// <summary>A failed job takes back its own changes and no other's.</summary>
    private void RunJob(SqliteJob job)
    {
        if (job.Abandoned)
        {
            job.Error = new OperationCanceledException();
            return;
        }

        _session.Execute("SAVEPOINT job");
        try
        {
            job.Run(_session);
        }
        catch (Exception e) when (!TransactionIsGone())
        {
            job.Error = e is SqliteException s ? SqliteErrors.Unavailable(_path, s) : e;
            _session.Execute("ROLLBACK TO job");
        }

        _session.Execute("RELEASE job");
    }

    /// <summary>On a full disk or an I/O error SQLite may roll the whole transaction back by itself (https://sqlite.org/lang_transaction.html).</summary>
    private bool TransactionIsGone() => SQLitePCL.raw.sqlite3_get_autocommit(_session.Connection.Handle) != 0;

    private void Rollback()
    {
        try
        {
            if (!TransactionIsGone())
            {
                _session.Execute("ROLLBACK");
            }
        }
        catch (SqliteException e)
        {
            LogRollbackFailed(e, _path);
        }
    }

    /// <summary>
    /// In WAL mode NORMAL writes the log at commit without waiting for the disk, FULL waits (https://sqlite.org/pragma.html#pragma_synchronous).
    /// </summary>
    private void SetDurability(Durability durability)
    {
        if (_durability != durability)
        {
            _session.Execute(
                durability == Durability.Power ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"
            );
            _durability = durability;
        }
    }

    [LoggerMessage(LogLevel.Error, "Store {Path} could not commit {Jobs} writes")]
    private partial void LogCommitFailed(Exception e, string path, int jobs);

    [LoggerMessage(LogLevel.Error, "Store {Path} could not roll back")]
    private partial void LogRollbackFailed(Exception e, string path);

    [LoggerMessage(LogLevel.Error, "An observer of the store failed")]
    private partial void LogObserverFailed(Exception e);
}
