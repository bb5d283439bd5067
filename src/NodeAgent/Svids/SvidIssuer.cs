using System.Collections.Immutable;
using Grpc.Core;
using MeshCA.NodeAgent.Node;
using MeshCA.Protos.V1;
using MeshCA.Spiffe;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshCA.NodeAgent.Svids;

/// <summary>Has the cache's jobs issued: new keys, CSRs in batches over one long-lived stream, several batches on their way.</summary>
internal sealed partial class SvidIssuer(
    ServerLink link,
    NodeIdentity identity,
    IdentityCache cache,
    TimeProvider time,
    ILogger<SvidIssuer> logger
) : BackgroundService
{
    /// <summary>agent.proto's bound.</summary>
    private const int MaxBatch = 500;

    private const int MaxInFlight = 4;

    /// <summary>While a batch is on its way, jobs gather until there are this many or it is answered.</summary>
    private const int WorthABatch = 64;

    private static readonly TimeSpan _batchTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan _goodStream = TimeSpan.FromSeconds(5);

    private readonly ServerBackoff _backoff = new(time);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            var started = time.GetTimestamp();
            var svid = identity.Svid;
            TimeSpan delay;
            try
            {
                if (cache.QueuedCount == 0)
                {
                    await cache.JobsAdded.WaitAsync(stoppingToken);
                }

                await RunStreamAsync(stoppingToken);
                delay = TimeSpan.Zero;
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                // The host stops: a cancelled call says so with an RpcException, which the host would take for a failure.
                return;
            }
            catch (Exception e)
            {
                if (time.GetElapsedTime(started) > _goodStream)
                {
                    _backoff.Reset();
                }

                delay = _backoff.Next(e);
                if (_backoff.ShouldLog(e, out var trace))
                {
                    LogLost(trace, ServerBackoff.Reason(e), delay);
                }
            }

            await identity.WaitWhileAsync(svid, delay, time, stoppingToken);
        }
    }

    /// <summary>One stream, until it breaks or the agent has a newer SVID; then the batches on their way are waited for.</summary>
    private async Task RunStreamAsync(CancellationToken ct)
    {
        using var lease = await link.OpenAsync(ct);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(ct);
        using var call = lease.Client.Issue(cancellationToken: ended.Token);
        using var verifier = new SvidVerifier(identity, time);
        var inFlight = new BatchesInFlight(time);
        var wake = cache.JobsAdded;
        var reading = ReadAsync(call.ResponseStream, inFlight, verifier, wake, ended.Token);
        try
        {
            var moving = identity.WaitWhileAsync(lease.Svid, ended.Token);
            while (!reading.IsCompleted)
            {
                if (inFlight.OldestAge > _batchTimeout)
                {
                    throw new MeshCaException(
                        ErrorKind.Unavailable,
                        $"the server did not answer a batch of CSRs within {_batchTimeout}"
                    );
                }

                if (moving.IsCompleted)
                {
                    if (inFlight.Count == 0)
                    {
                        return;
                    }
                }
                else if (ShouldSend(inFlight.Count) && cache.TakeJobs(MaxBatch) is { Count: > 0 } jobs)
                {
                    await call.RequestStream.WriteAsync(inFlight.Add(jobs), ended.Token);
                    continue;
                }

                var idle = inFlight.Count == 0;
                await wake.WaitAsync(idle ? TimeSpan.FromSeconds(30) : TimeSpan.FromSeconds(1), time, ended.Token);
            }

            await reading;
            throw new MeshCaException(ErrorKind.Unavailable, "the server ended the stream");
        }
        finally
        {
            await ended.CancelAsync();
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cache.Return(inFlight.TakeAll());
        }
    }

    private bool ShouldSend(int batches) => batches == 0 || (batches < MaxInFlight && cache.QueuedCount >= WorthABatch);

    private async Task ReadAsync(
        IAsyncStreamReader<IssueResponse> responses,
        BatchesInFlight inFlight,
        SvidVerifier verifier,
        Signal wake,
        CancellationToken ct
    )
    {
        try
        {
            while (await responses.MoveNext(ct))
            {
                var response = responses.Current;
                if (inFlight.Take(response.BatchId) is { } batch)
                {
                    _backoff.Reset();
                    wake.Set();
                    cache.Complete(Read(response, batch, verifier));
                }
            }
        }
        finally
        {
            wake.Set();
        }
    }

    private static List<JobOutcome> Read(IssueResponse response, IssueBatch batch, SvidVerifier verifier)
    {
        ImmutableArray<ReadOnlyMemory<byte>> intermediates = [.. response.Intermediates.Select(static i => i.Memory)];
        var outcomes = new List<JobOutcome>(batch.Jobs.Count);
        for (var i = 0; i < batch.Jobs.Count; i++)
        {
            var job = batch.Jobs[i];
            var result = i < response.Results.Count ? response.Results[i] : null;
            outcomes.Add(
                result?.ResultCase switch
                {
                    IssueResult.ResultOneofCase.Leaf => ToSvid(
                        job,
                        batch.Keys[i],
                        result.Leaf,
                        intermediates,
                        verifier
                    ),
                    IssueResult.ResultOneofCase.Error => new(
                        job,
                        null,
                        result.Error.Message,
                        (StatusCode)result.Error.Code is StatusCode.Unavailable or StatusCode.DeadlineExceeded
                    ),
                    _ => new(job, null, "the server's answer leaves it out", Unavailable: true),
                }
            );
        }

        return outcomes;
    }

    private static JobOutcome ToSvid(
        IssueJob job,
        KeyAndCsr key,
        IssuedLeaf leaf,
        ImmutableArray<ReadOnlyMemory<byte>> intermediates,
        SvidVerifier verifier
    )
    {
        try
        {
            verifier.Check(leaf.Certificate.Memory, intermediates, job.Entry.SpiffeId, key.SubjectPublicKeyInfo);
            return new(
                job,
                new(
                    job.Entry.SpiffeId,
                    leaf.Certificate.Memory,
                    verifier.Intermediates,
                    key.Pkcs8,
                    DateTimeOffset.FromUnixTimeMilliseconds(leaf.IssuedAtMs),
                    job.Entry.Revision
                ),
                "",
                Unavailable: false
            );
        }
        catch (Exception e) when (e is MeshCaException or System.Formats.Asn1.AsnContentException)
        {
            return new(job, null, e.Message, Unavailable: true);
        }
    }

    [LoggerMessage(
        LogLevel.Warning,
        "Lost the issuance stream: {Reason}. SVIDs that are held are served on; retrying in {Delay}"
    )]
    private partial void LogLost(Exception? e, string reason, TimeSpan delay);
}
