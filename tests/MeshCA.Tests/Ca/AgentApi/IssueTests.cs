using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using MeshCA.Ca.Entries;
using MeshCA.Protos.V1;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Ca.AgentApi;

public sealed class IssueTests
{
    [Fact]
    public async Task Issue_Mixed_AnswersEachInOrder()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        using var other = await host.AttestAsync(ct);
        var any = await CreateAsync(host, "any", parent: null, ct);
        var foreign = await CreateAsync(host, "foreign", other, ct);
        var request = new IssueRequest { BatchId = 7 };
        request.Requests.Add(new CertificateRequest { EntryId = foreign.Id, Csr = TestAgent.Csr() });
        request.Requests.Add(new CertificateRequest { EntryId = any.Id, Csr = TestAgent.Csr() });
        request.Requests.Add(new CertificateRequest { EntryId = "no such", Csr = TestAgent.Csr() });
        request.Requests.Add(new CertificateRequest { EntryId = any.Id, Csr = ByteString.CopyFromUtf8("not a CSR") });
        request.Requests.Add(new CertificateRequest { EntryId = any.Id, Csr = ByteString.CopyFrom(new byte[9000]) });

        var response = await agent.IssueAsync(request, ct);

        Assert.Equal(7ul, response.BatchId);
        Assert.Equal(StatusCode.PermissionDenied, (StatusCode)response.Results[0].Error.Code);
        Assert.Contains("is for another agent", response.Results[0].Error.Message, StringComparison.Ordinal);
        Assert.Equal(StatusCode.NotFound, (StatusCode)response.Results[2].Error.Code);
        Assert.Equal(StatusCode.InvalidArgument, (StatusCode)response.Results[3].Error.Code);
        Assert.Equal(StatusCode.InvalidArgument, (StatusCode)response.Results[4].Error.Code);
        var chain = response
            .Intermediates.Prepend(response.Results[1].Leaf.Certificate)
            .Select(der => der.Memory)
            .ToList();
        var id = X509SvidVerifier.Verify(chain, [host.Bundles.Own], TimeProvider.System.GetUtcNow());
        Assert.Equal(any.SpiffeId, id);
    }

    [Fact]
    public async Task Issue_SeveralBatchesInFlight_AllAreAnswered()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        var entry = await CreateAsync(host, "web", parent: null, ct);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var csr = TestAgent.Csr(key);
        using var call = agent.Client.Issue(cancellationToken: ct);

        for (var batch = 1ul; batch <= 20; batch++)
        {
            var request = new IssueRequest { BatchId = batch };
            request.Requests.AddRange(Enumerable.Repeat(new CertificateRequest { EntryId = entry.Id, Csr = csr }, 20));
            await call.RequestStream.WriteAsync(request, ct);
        }

        await call.RequestStream.CompleteAsync();
        var answered = new List<ulong>();
        while (await call.ResponseStream.MoveNext(ct))
        {
            answered.Add(call.ResponseStream.Current.BatchId);
            Assert.All(call.ResponseStream.Current.Results, result => Assert.NotNull(result.Leaf));
        }

        Assert.Equal(Enumerable.Range(1, 20).Select(i => (ulong)i), answered.Order());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(501)]
    public async Task Issue_BatchOutOfBounds_IsInvalid(int count)
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        var request = new IssueRequest();
        request.Requests.AddRange(Enumerable.Repeat(new CertificateRequest { EntryId = "x" }, count));

        var error = await Assert.ThrowsAsync<RpcException>(() => agent.IssueAsync(request, ct));

        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.Contains("1 to 500", error.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Issue_OversizedMessage_IsRefused()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        var request = new IssueRequest();
        request.Requests.Add(
            new CertificateRequest { EntryId = "x", Csr = ByteString.CopyFrom(new byte[9 * 1024 * 1024]) }
        );
        using var call = agent.Client.Issue(cancellationToken: ct);

        // The server does not read it, so the write may fail before the status is here.
        var write = call.RequestStream.WriteAsync(request, ct);
        var error = await Assert.ThrowsAsync<RpcException>(() => TestAgent.NextAsync(call.ResponseStream, ct));
        await write.ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext
        );

        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
    }

    [Fact]
    public async Task Issue_EntryDeleted_IsNotFoundAtOnce()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        var entry = await CreateAsync(host, "web", parent: null, ct);
        var request = new IssueRequest();
        request.Requests.Add(new CertificateRequest { EntryId = entry.Id, Csr = TestAgent.Csr() });
        Assert.NotNull((await agent.IssueAsync(request, ct)).Results[0].Leaf);

        await host.Entries.DeleteAsync(entry.Id, expectedRevision: null, dryRun: false, ct);
        var after = await agent.IssueAsync(request, ct);

        Assert.Equal(StatusCode.NotFound, (StatusCode)after.Results[0].Error.Code);
    }

    private static Task<RegistrationEntry> CreateAsync(
        AgentApiHost host,
        string name,
        TestAgent? parent,
        CancellationToken ct
    ) =>
        host.Entries.CreateAsync(
            new()
            {
                SpiffeId = $"spiffe://example.org/{name}",
                Selectors = ["unix:uid:1000"],
                ParentId = parent?.SpiffeId.ToString(),
            },
            dryRun: false,
            ct
        );
}
