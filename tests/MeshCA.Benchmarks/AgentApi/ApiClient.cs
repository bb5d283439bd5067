using System.Collections.Concurrent;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using MeshCA.Protos.V1;
using MeshCA.Spiffe;

namespace MeshCA.Benchmarks.AgentApi;

/// <summary>An agent with a connection of its own and one stream on which it has batches issued.</summary>
internal sealed class ApiClient : IAsyncDisposable
{
    private readonly GrpcChannel _channel;
    private readonly X509Certificate2 _certificate;
    private readonly AsyncDuplexStreamingCall<IssueRequest, IssueResponse> _stream;
    private readonly ConcurrentDictionary<ulong, TaskCompletionSource<IssueResponse>> _waiting = new();
    private readonly SemaphoreSlim _writing = new(1);
    private readonly Task _reading;
    private ulong _lastBatch;

    private ApiClient(GrpcChannel channel, X509Certificate2 certificate, CancellationToken ct)
    {
        _channel = channel;
        _certificate = certificate;
        _stream = new AgentService.AgentServiceClient(channel).Issue(cancellationToken: ct);
        _reading = ReadAsync(ct);
    }

    public static async Task<ApiClient> AttestAsync(ApiServer server, CancellationToken ct)
    {
        var token = await server.Tokens.CreateAsync(ttl: null, dryRun: false, ct);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var channel = Connect(server, client: null);
        var answer = await new AgentService.AgentServiceClient(channel).AttestAsync(
            new()
            {
                JoinToken = token.Token,
                Csr = MakeCsr(key),
                AgentVersion = "1.0.0",
            },
            cancellationToken: ct
        );
        using var leaf = X509CertificateLoader.LoadCertificate(answer.Svid.Chain[0].Span);
        var certificate = leaf.CopyWithPrivateKey(key);
        return new(
            Connect(
                server,
                SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true)
            ),
            certificate,
            ct
        );
    }

    public static ByteString MakeCsr(ECDsa? key = null)
    {
        using var made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return ByteString.CopyFrom(
            new System.Security.Cryptography.X509Certificates.CertificateRequest(
                "",
                key ?? made,
                HashAlgorithmName.SHA256
            ).CreateSigningRequest()
        );
    }

    public async Task<IssueResponse> IssueAsync(
        IEnumerable<Protos.V1.CertificateRequest> requests,
        CancellationToken ct
    )
    {
        var request = new IssueRequest { BatchId = Interlocked.Increment(ref _lastBatch) };
        request.Requests.AddRange(requests);
        var answer = new TaskCompletionSource<IssueResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[request.BatchId] = answer;
        await _writing.WaitAsync(ct);
        try
        {
            await _stream.RequestStream.WriteAsync(request, ct);
        }
        finally
        {
            _writing.Release();
        }

        return await answer.Task.WaitAsync(ct);
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.RequestStream.CompleteAsync();
        await _reading;
        _stream.Dispose();
        _channel.Dispose();
        _certificate.Dispose();
        _writing.Dispose();
    }

    private static GrpcChannel Connect(ApiServer server, SslStreamCertificateContext? client) =>
        GrpcChannel.ForAddress(
            server.Address,
            new GrpcChannelOptions
            {
                DisposeHttpClient = true,
                HttpHandler = new SocketsHttpHandler
                {
                    SslOptions = new SslClientAuthenticationOptions
                    {
                        TargetHost = "meshca",
                        ClientCertificateContext = client,
                        RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
                            X509SvidVerifier.Verify(
                                (X509Certificate2)certificate!,
                                chain!.ChainPolicy.ExtraStore,
                                [server.Bundles.Own],
                                TimeProvider.System.GetUtcNow()
                            ) == ReservedIds.Server(server.Bundles.Own.TrustDomain),
                    },
                },
            }
        );

    private async Task ReadAsync(CancellationToken ct)
    {
        try
        {
            await foreach (var response in _stream.ResponseStream.ReadAllAsync(ct))
            {
                if (_waiting.TryRemove(response.BatchId, out var answer))
                {
                    answer.SetResult(response);
                }
            }
        }
        catch (Exception e)
        {
            foreach (var answer in _waiting.Values)
            {
                answer.TrySetException(e);
            }
        }
    }
}
