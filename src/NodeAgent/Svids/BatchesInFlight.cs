using Google.Protobuf;
using MeshCA.Protos.V1;

namespace MeshCA.NodeAgent.Svids;

/// <summary>Batches that were sent on one stream and are not answered yet. Thread-safe.</summary>
internal sealed class BatchesInFlight(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, IssueBatch> _batches = [];

    private ulong _lastId;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _batches.Count;
            }
        }
    }

    public TimeSpan OldestAge
    {
        get
        {
            lock (_lock)
            {
                return _batches.Count == 0
                    ? TimeSpan.Zero
                    : time.GetElapsedTime(_batches.Values.Min(static b => b.SentAt));
            }
        }
    }

    /// <summary>Makes keys and CSRs; the request to send.</summary>
    public IssueRequest Add(List<IssueJob> jobs)
    {
        var batch = new IssueBatch(jobs, new(jobs.Count), time.GetTimestamp());
        var request = new IssueRequest();
        lock (_lock)
        {
            request.BatchId = ++_lastId;
            _batches.Add(request.BatchId, batch);
        }

        foreach (var job in jobs)
        {
            var key = KeyAndCsr.Generate();
            batch.Keys.Add(key);
            request.Requests.Add(
                new CertificateRequest { EntryId = job.Entry.Id, Csr = UnsafeByteOperations.UnsafeWrap(key.Csr) }
            );
        }

        return request;
    }

    /// <summary>Null if there is no such batch.</summary>
    public IssueBatch? Take(ulong id)
    {
        lock (_lock)
        {
            return _batches.Remove(id, out var batch) ? batch : null;
        }
    }

    /// <summary>The jobs of all that were never answered.</summary>
    public List<IssueJob> TakeAll()
    {
        lock (_lock)
        {
            var jobs = _batches.Values.SelectMany(static b => b.Jobs).ToList();
            _batches.Clear();
            return jobs;
        }
    }
}
