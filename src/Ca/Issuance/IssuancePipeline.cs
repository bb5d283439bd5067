using MeshCA.Ca.Authorities;
using MeshCA.Ca.Issuance.Lint;
using MeshCA.Spiffe;
using Microsoft.Extensions.Logging;

namespace MeshCA.Ca.Issuance;

/// <summary>The steps from requests to certificates, the same for workloads, agents and the server. Safe for concurrent use.</summary>
public sealed partial class IssuancePipeline(
    IIssuanceLedger ledger,
    TimeProvider time,
    ILogger<IssuancePipeline> logger
) : IDisposable
{
    /// <summary>How many signatures are asked for at once of a signer that answers later: a KMS, an HSM.</summary>
    private const int MaxSignatures = 64;

    /// <summary>No signer takes longer; one that does is not waited for.</summary>
    public static readonly TimeSpan SignTimeout = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _signing = new(MaxSignatures);

    /// <summary>
    /// Issues for <paramref name="count"/> requests, which <paramref name="check"/> makes or refuses by throwing
    /// MeshCaException, on several threads at once. Answers in order; one that fails leaves the others alone.
    /// </summary>
    /// <exception cref="MeshCaException">Unavailable: the ledger cannot be written, so none of the batch was issued.</exception>
    internal async Task<IssuanceOutcome[]> IssueAsync(
        IssuingAuthority authority,
        int count,
        Func<int, IssuanceRequest> check,
        CancellationToken ct
    )
    {
        using var batch = new IssuanceBatch(authority, Validity.Seconds(time.GetUtcNow()), count);

        // 1. check, 2. build, 3. lint.
        await batch.ForEachPartAsync(
            (from, to, slabs) =>
            {
                for (var i = from; i < to; i++)
                {
                    Prepare(batch, i, check, slabs);
                }

                return Task.CompletedTask;
            }
        );
        var intents = batch.CollectRecords();
        if (intents.IsEmpty)
        {
            IssuanceMetrics.Count(batch);
            return batch.Outcomes;
        }

        // 4. audit "about to sign": out of this process before the signer is called.
        ct.ThrowIfCancellationRequested();
        await ledger.RecordIntentsAsync(intents, ct);

        // 5. sign, 6. verify.
        await batch.ForEachPartAsync((from, to, _) => SignAsync(batch, from, to, ct));

        // 7. ledger and audit "signed". What was signed is written down even if the caller has gone.
        await ledger.RecordOutcomesAsync(batch.CollectRecords(), CancellationToken.None);

        // 8. answer.
        IssuanceMetrics.Count(batch);
        return batch.Outcomes;
    }

    public void Dispose() => _signing.Dispose();

    private void Prepare(IssuanceBatch batch, int i, Func<int, IssuanceRequest> check, Slabs slabs)
    {
        try
        {
            // 1. check: who may have it, the CSR's key and its proof. Nothing else of the CSR goes on from here.
            var request = check(i);
            var authority = batch.Authority;

            // 2. build the TBS from the profile.
            var serial = SerialNumber.Next();
            var validity = Validity.OfLeaf(batch.IssuedAt, request.Ttl, authority);
            var buffer = slabs.Take(LeafProfile.MaxLength(request, authority));
            var start = LeafProfile.Write(buffer.Span, request, authority, serial, validity);
            ref var item = ref batch.Items[i];
            item.Tbs = buffer[start..];

            // 3. lint, which yields the token that can be redeemed once.
            var digest = slabs.Take(authority.DigestLength);
            item.Token = LeafLint.Check(item.Tbs, request, authority, batch.IssuedAt, digest);
            item.Record = new()
            {
                Kind = request.Kind,
                SerialNumber = serial,
                SpiffeId = request.SpiffeId,
                NotBefore = validity.NotBefore,
                NotAfter = validity.NotAfter,
                IssuedAt = batch.IssuedAt,
                AuthorityId = authority.Id,
                Agent = request.Agent,
                EntryId = request.EntryId,
            };
        }
        catch (Exception e)
        {
            if (e is not MeshCaException { Kind: not ErrorKind.Internal })
            {
                LogDefect(e);
            }

            batch.Refuse(i, e as MeshCaException ?? Defect(e));
        }
    }

    private async Task SignAsync(IssuanceBatch batch, int from, int to, CancellationToken ct)
    {
        List<Task>? pending = null;
        for (var i = from; i < to; i++)
        {
            if (batch.Items[i].Token is null)
            {
                continue;
            }

            try
            {
                if (!TryEnter())
                {
                    await _signing.WaitAsync(ct);
                }
            }
            catch (OperationCanceledException e)
            {
                batch.Fail(i, ToError(e));
                continue;
            }

            var signing = SignOneAsync(batch, i, ct);
            if (!signing.IsCompleted)
            {
                (pending ??= []).Add(signing);
            }
        }

        if (pending is not null)
        {
            await Task.WhenAll(pending);
        }
    }

    private bool TryEnter() => _signing.Wait(0, CancellationToken.None);

    /// <summary>Signs one item and gives the place back. It does not throw.</summary>
    private async Task SignOneAsync(IssuanceBatch batch, int i, CancellationToken ct)
    {
        try
        {
            // 5. sign what the linter has read, nothing else.
            var signer = batch.Authority.Signer;
            var digest = batch.Items[i].Token!.Redeem(signer, batch.Items[i].Tbs);
            var signing = signer.SignAsync(digest, batch.Authority.Scheme, ct);
            Finish(batch, i, signing.IsCompleted ? await signing : await WaitAsync(batch, signing.AsTask(), ct));
        }
        catch (Exception e)
        {
            if (e is not (MeshCaException { Kind: not ErrorKind.Internal } or OperationCanceledException))
            {
                LogSigningFailed(e, batch.Authority.Signer.Name);
            }

            batch.Fail(i, ToError(e));
        }
        finally
        {
            _signing.Release();
        }
    }

    private async Task<byte[]> WaitAsync(IssuanceBatch batch, Task<byte[]> signing, CancellationToken ct)
    {
        try
        {
            return await signing.WaitAsync(SignTimeout, time, ct);
        }
        finally
        {
            if (!signing.IsCompleted)
            {
                batch.Abandon();
            }
        }
    }

    private void Finish(IssuanceBatch batch, int i, byte[] signature)
    {
        // 6. verify our own signature, over the bytes that will be handed out.
        var authority = batch.Authority;
        var certificate = CertificateDer.Assemble(
            batch.Items[i].Tbs.Span,
            authority.SignatureAlgorithm.Span,
            signature,
            out var signed
        );
        if (!authority.Verify(certificate.AsSpan(signed), signature))
        {
            LogBadSignature(authority.Signer.Name, authority.Id);
            batch.Fail(
                i,
                new(
                    ErrorKind.Unavailable,
                    $"signer '{authority.Signer.Name}' gave a signature that is not one by its key; check the signer"
                )
            );
            return;
        }

        batch.Outcomes[i] = IssuanceOutcome.Issued(certificate, authority.Intermediates, batch.IssuedAt);
    }

    private static MeshCaException ToError(Exception e) =>
        e switch
        {
            MeshCaException known => known,
            TimeoutException => new(ErrorKind.Unavailable, "the signer did not answer in time; try again", e),
            OperationCanceledException => new(ErrorKind.Unavailable, "the call was given up before it was signed", e),
            _ => Defect(e),
        };

    private static MeshCaException Defect(Exception e) =>
        new(ErrorKind.Internal, "the certificate could not be made", e);

    [LoggerMessage(LogLevel.Error, "A certificate could not be made")]
    private partial void LogDefect(Exception e);

    [LoggerMessage(LogLevel.Error, "Signer {Signer} failed")]
    private partial void LogSigningFailed(Exception e, string signer);

    [LoggerMessage(
        LogLevel.Error,
        "Signer {Signer} gave a signature that is not by the key of authority {AuthorityId}"
    )]
    private partial void LogBadSignature(string signer, string authorityId);
}
