using Google.Protobuf;
using Grpc.Core;
using MeshCA.Ca.Entries;
using MeshCA.Ca.Issuance;
using MeshCA.Protos.V1;
using MeshCA.Spiffe;
using Microsoft.Extensions.Logging;

namespace MeshCA.Ca.AgentApi;

/// <summary>Serves <c>Issue</c>: several batches at once, each answered whole, in any order.</summary>
internal sealed partial class IssueStream(X509Issuer issuer, EntryRegistry entries, ILogger<IssueStream> logger)
{
    public const int MaxRequests = 500;

    /// <summary>Beyond this no further batch is read, so a stream's memory is bounded.</summary>
    private const int MaxBatchesInFlight = 8;

    public async Task RunAsync(
        CallerIdentity caller,
        IAsyncStreamReader<IssueRequest> requests,
        IServerStreamWriter<IssueResponse> responses,
        CancellationToken ct
    )
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(ct);
        using var inFlight = new SemaphoreSlim(MaxBatchesInFlight);
        using var writing = new SemaphoreSlim(1);
        var batches = new HashSet<Task>();
        try
        {
            await inFlight.WaitAsync(ended.Token);
            while (await requests.MoveNext(ended.Token))
            {
                batches.RemoveWhere(batch => batch.IsCompletedSuccessfully);
                batches.Add(AnswerAsync(requests.Current));
                await inFlight.WaitAsync(ended.Token);
            }

            await Task.WhenAll(batches);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // A batch has failed: its failure, not the cancellation that followed, is the stream's.
            await Task.WhenAll(batches);
            throw;
        }
        finally
        {
            await ended.CancelAsync();
            await SettleAsync(batches);
        }

        async Task AnswerAsync(IssueRequest request)
        {
            try
            {
                var response = await IssueAsync(caller, request, ended.Token);
                await writing.WaitAsync(ended.Token);
                try
                {
                    await responses.WriteAsync(response, ended.Token);
                }
                finally
                {
                    writing.Release();
                }

                inFlight.Release();
            }
            catch
            {
                await ended.CancelAsync();
                throw;
            }
        }
    }

    private async Task<IssueResponse> IssueAsync(CallerIdentity caller, IssueRequest request, CancellationToken ct)
    {
        if (request.Requests.Count is 0 or > MaxRequests)
        {
            throw new MeshCaException(
                ErrorKind.Malformed,
                $"a batch has 1 to {MaxRequests} requests, not {request.Requests.Count}"
            );
        }

        var results = new IssueResult[request.Requests.Count];
        var orders = new List<IssuanceOrder>(results.Length);
        var places = new List<int>(results.Length);
        for (var i = 0; i < results.Length; i++)
        {
            if (Check(caller, request.Requests[i], out var entry) is { } refused)
            {
                results[i] = ToResult(refused);
            }
            else
            {
                orders.Add(new(entry!, caller.SpiffeId, request.Requests[i].Csr.Memory));
                places.Add(i);
            }
        }

        var response = new IssueResponse { BatchId = request.BatchId };
        if (orders.Count > 0)
        {
            await IssueAsync(orders, places, results, response, ct);
        }

        response.Results.AddRange(results);
        return response;
    }

    private async Task IssueAsync(
        List<IssuanceOrder> orders,
        List<int> places,
        IssueResult[] results,
        IssueResponse response,
        CancellationToken ct
    )
    {
        try
        {
            var outcomes = await issuer.IssueAsync(orders, ct);
            for (var i = 0; i < outcomes.Length; i++)
            {
                results[places[i]] = ToResult(outcomes[i]);
            }

            response.Intermediates.AddRange(
                Array
                    .Find(outcomes, outcome => outcome.Error is null)
                    .Intermediates.Select(der => UnsafeByteOperations.UnsafeWrap(der))
            );
        }
        catch (MeshCaException e)
        {
            // The store or the signer is away: the agent asks again, on the same stream.
            LogBatchFailed(e, orders.Count);
            places.ForEach(place => results[place] = ToResult(e));
        }
    }

    private MeshCaException? Check(CallerIdentity caller, CertificateRequest request, out RegistrationEntry? entry)
    {
        entry = entries.Find(request.EntryId);
        if (entry is null)
        {
            return EntryErrors.NotFound(AgentProto.Cut(request.EntryId, AgentProto.MaxVersion));
        }

        if (!entry.IsServedBy(caller.SpiffeId))
        {
            return new(
                ErrorKind.PermissionDenied,
                $"entry {entry.Id} is for another agent than {caller.SpiffeId}; correct its parentId"
            );
        }

        return request.Csr.Length is 0 or > CsrFields.MaxLength
            ? new(ErrorKind.Malformed, $"a CSR has 1 to {CsrFields.MaxLength} bytes, not {request.Csr.Length}")
            : null;
    }

    private static IssueResult ToResult(IssuanceOutcome outcome) =>
        outcome.Error is { } error
            ? ToResult(error)
            : new()
            {
                Leaf = new()
                {
                    Certificate = UnsafeByteOperations.UnsafeWrap(outcome.Certificate),
                    IssuedAtMs = outcome.IssuedAt.ToUnixTimeMilliseconds(),
                },
            };

    private static IssueResult ToResult(MeshCaException e)
    {
        var status = GrpcErrors.ToStatus(e);
        return new()
        {
            Error = new() { Code = (int)status.StatusCode, Message = status.Detail },
        };
    }

    private static async Task SettleAsync(IEnumerable<Task> batches)
    {
        foreach (var batch in batches)
        {
            await batch.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Could not issue {Count} X509-SVIDs")]
    private partial void LogBatchFailed(Exception e, int count);
}
