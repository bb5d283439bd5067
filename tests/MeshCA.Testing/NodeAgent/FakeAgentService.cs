using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Core;
using MeshCA.Protos.V1;
using MeshCA.Spiffe;

namespace MeshCA.Testing.NodeAgent;

/// <summary>The service of a <see cref="FakeServer"/>.</summary>
internal sealed class FakeAgentService(FakeServer server) : AgentService.AgentServiceBase
{
    public override Task<AttestResponse> Attest(AttestRequest request, ServerCallContext context)
    {
        server.Attests.Enqueue(request);
        var key = KeyOf(request.Csr);
        if (!server.Tokens.TryGetValue(request.JoinToken, out var redeemedWith))
        {
            throw new RpcException(new(StatusCode.PermissionDenied, "the join token is not known"));
        }

        if (redeemedWith.Length > 0 && !redeemedWith.AsSpan().SequenceEqual(key))
        {
            throw new RpcException(new(StatusCode.PermissionDenied, "the join token was used before"));
        }

        server.Tokens[request.JoinToken] = key;
        if (server.LostAnswers > 0)
        {
            server.LostAnswers--;
            throw new RpcException(new(StatusCode.Unavailable, "lost"));
        }

        return Task.FromResult(
            new AttestResponse
            {
                Svid = IssueAgent(request.Csr, request.JoinToken),
                Bundle = server.OwnBundleInSyncOnly ? FakeServer.ToProto(server.Ca.Bundle) : server.OwnBundle,
            }
        );
    }

    public override async Task<RenewResponse> Renew(RenewRequest request, ServerCallContext context)
    {
        var id = await RequireAgentAsync(context);
        server.Renewals.Enqueue(request);
        return new()
        {
            Svid = IssueAgent(request.Csr, id.ToString().Split('/')[^1]),
            Bundle = server.OwnBundleInSyncOnly ? FakeServer.ToProto(server.Ca.Bundle) : server.OwnBundle,
        };
    }

    public override async Task Sync(
        IAsyncStreamReader<SyncRequest> requestStream,
        IServerStreamWriter<SyncResponse> responseStream,
        ServerCallContext context
    )
    {
        await RequireAgentAsync(context);
        await requestStream.MoveNext(context.CancellationToken);
        var stream = server.Connect(requestStream.Current.Hello);
        try
        {
            var reading = ReadReportsAsync(requestStream, context.CancellationToken);
            await foreach (var message in stream.ReadAllAsync(context.CancellationToken))
            {
                await responseStream.WriteAsync(message, context.CancellationToken);
            }
        }
        finally
        {
            server.Disconnect(stream);
        }
    }

    public override async Task Issue(
        IAsyncStreamReader<IssueRequest> requestStream,
        IServerStreamWriter<IssueResponse> responseStream,
        ServerCallContext context
    )
    {
        await RequireAgentAsync(context);
        await foreach (var request in requestStream.ReadAllAsync(context.CancellationToken))
        {
            server.Batches.Enqueue(request.Requests.Count);
            await server.IssueGate.WaitAsync(context.CancellationToken);
            var response = new IssueResponse { BatchId = request.BatchId };
            response.Results.AddRange(request.Requests.Select(Issue));
            await responseStream.WriteAsync(response, context.CancellationToken);
        }
    }

    private static byte[] KeyOf(ByteString csr) =>
        System
            .Security.Cryptography.X509Certificates.CertificateRequest.LoadSigningRequest(
                csr.ToByteArray(),
                HashAlgorithmName.SHA256,
                CertificateRequestLoadOptions.Default
            )
            .PublicKey.ExportSubjectPublicKeyInfo();

    private IssueResult Issue(MeshCA.Protos.V1.CertificateRequest request)
    {
        if (server.FindEntry(request.EntryId) is not { } entry)
        {
            return new()
            {
                Error = new() { Code = (int)StatusCode.NotFound, Message = "no such entry" },
            };
        }

        if (server.IssueErrors.TryGetValue(entry.SpiffeId, out var error))
        {
            return new() { Error = error };
        }

        var now = server.Time.GetUtcNow();
        var ttl = entry.X509SvidTtlMs > 0 ? TimeSpan.FromMilliseconds(entry.X509SvidTtlMs) : server.SvidTtl;
        var name = server.IssueInstead.GetValueOrDefault(entry.SpiffeId, entry.SpiffeId);
        var leaf = server.Ca.Issue(request.Csr.Span, name, now, ttl);
        server.Issued.Enqueue(entry.SpiffeId);
        return new()
        {
            Leaf = new()
            {
                Certificate = UnsafeByteOperations.UnsafeWrap(leaf),
                IssuedAtMs = now.ToUnixTimeMilliseconds(),
            },
        };
    }

    private MeshCA.Protos.V1.X509Svid IssueAgent(ByteString csr, string id)
    {
        var now = server.Time.GetUtcNow();
        var name = $"spiffe://{server.Ca.TrustDomain}/meshca/agent/join_token/{id}";
        var leaf = server.Ca.Issue(csr.Span, name, now, server.AgentTtl);
        return new() { Chain = { ByteString.CopyFrom(leaf) }, IssuedAtMs = now.ToUnixTimeMilliseconds() };
    }

    private async Task<SpiffeId> RequireAgentAsync(ServerCallContext context)
    {
        if (server.Refusal is { } refusal)
        {
            throw new RpcException(refusal);
        }

        var certificate =
            await context.GetHttpContext().Connection.GetClientCertificateAsync(context.CancellationToken)
            ?? throw new RpcException(new(StatusCode.Unauthenticated, "no client certificate"));
        server.CallerSerials.Enqueue(certificate.SerialNumber);
        try
        {
            return X509SvidVerifier.Verify([certificate.RawData], [server.Ca.Bundle], server.Time.GetUtcNow());
        }
        catch (MeshCaException e)
        {
            throw new RpcException(new(StatusCode.Unauthenticated, e.Message));
        }
    }

    private async Task ReadReportsAsync(IAsyncStreamReader<SyncRequest> requests, CancellationToken ct)
    {
        try
        {
            while (await requests.MoveNext(ct))
            {
                server.Reports.Enqueue(requests.Current.Report);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or RpcException)
        {
            // The agent has gone.
        }
    }
}
