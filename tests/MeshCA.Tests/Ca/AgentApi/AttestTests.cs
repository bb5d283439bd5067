using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Core;
using MeshCA.Protos.V1;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Ca.AgentApi;

public sealed class AttestTests
{
    [Fact]
    public async Task Attest_JoinToken_GivesAnAgentSvidAndTheBundle()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);

        using var agent = await host.AttestAsync(ct);

        var status = host.Agents.Get(agent.Id);
        Assert.Equal($"spiffe://example.org/meshca/agent/join_token/{agent.Id}", agent.SpiffeId.ToString());
        Assert.Equal("1.2.3", status.Record.Version);
        Assert.NotEqual("", status.Record.SerialNumber);
        Assert.False(status.Connected);
    }

    [Fact]
    public async Task Attest_SixtyFourAtOnceWithOneToken_ExactlyOneWins()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        var token = await host.Tokens.CreateAsync(ttl: null, dryRun: false, ct);
        using var channel = host.Connect(client: null);
        var client = new AgentService.AgentServiceClient(channel);

        var codes = await Task.WhenAll(
            Enumerable
                .Range(0, 64)
                .Select(_ => CodeOfAsync(client, new() { JoinToken = token.Token, Csr = TestAgent.Csr() }, ct))
        );

        Assert.Single(codes, code => code == StatusCode.OK);
        Assert.Equal(63, codes.Count(code => code == StatusCode.PermissionDenied));
    }

    [Fact]
    public async Task Attest_AnswerLost_SameKeyGetsTheSameAgent()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        var token = await host.Tokens.CreateAsync(ttl: null, dryRun: false, ct);
        var request = new AttestRequest { JoinToken = token.Token, Csr = TestAgent.Csr() };
        using (var channel = host.Connect(client: null))
        {
            await new AgentService.AgentServiceClient(channel).AttestAsync(request, cancellationToken: ct);
        }

        await host.RestartAsync(ct);
        using var again = host.Connect(client: null);
        await new AgentService.AgentServiceClient(again).AttestAsync(request, cancellationToken: ct);

        Assert.Single(host.Agents.List(after: null, 10).Items);
    }

    [Theory]
    [InlineData("no evidence", StatusCode.InvalidArgument, "it takes a join token")]
    [InlineData("unknown token", StatusCode.PermissionDenied, "it is not known")]
    [InlineData("no csr", StatusCode.InvalidArgument, "CSR")]
    [InlineData("csr of another's key", StatusCode.InvalidArgument, "CSR")]
    [InlineData("csr too long", StatusCode.InvalidArgument, "8192")]
    [InlineData("message too long", StatusCode.ResourceExhausted, "65536")]
    public async Task Attest_Bad_IsRefusedAndTheTokenIsStillGood(string what, StatusCode code, string part)
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        var token = await host.Tokens.CreateAsync(ttl: null, dryRun: false, ct);
        using var channel = host.Connect(client: null);
        var client = new AgentService.AgentServiceClient(channel);
        var csr = TestAgent.Csr();
        var forged = csr.ToByteArray();
        forged[^1] ^= 1;
        var request = what switch
        {
            "no evidence" => new AttestRequest { Csr = csr },
            "unknown token" => new AttestRequest { Csr = csr, JoinToken = "unknown" },
            "no csr" => new AttestRequest { JoinToken = token.Token },
            "csr of another's key" => new AttestRequest { JoinToken = token.Token, Csr = ByteString.CopyFrom(forged) },
            "csr too long" => new AttestRequest { JoinToken = token.Token, Csr = ByteString.CopyFrom(new byte[8193]) },
            _ => new AttestRequest
            {
                JoinToken = token.Token,
                Csr = csr,
                AgentVersion = new string('x', 70_000),
            },
        };

        var error = await Assert.ThrowsAsync<RpcException>(() =>
            client.AttestAsync(request, cancellationToken: ct).ResponseAsync
        );

        Assert.Equal(code, error.StatusCode);
        Assert.Contains(part, error.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(StatusCode.OK, await CodeOfAsync(client, new() { JoinToken = token.Token, Csr = csr }, ct));
    }

    [Fact]
    public async Task Attest_MessageDoesNotCome_IsNotWaitedForLong()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var channel = host.Connect(client: null);

        // Called as a stream, the method is open without a message.
        using var call = channel
            .CreateCallInvoker()
            .AsyncDuplexStreamingCall(
                new Method<AttestRequest, AttestResponse>(
                    MethodType.DuplexStreaming,
                    "meshca.v1.AgentService",
                    "Attest",
                    Marshallers.Create(message => message.ToByteArray(), AttestRequest.Parser.ParseFrom),
                    Marshallers.Create(message => message.ToByteArray(), AttestResponse.Parser.ParseFrom)
                ),
                host: null,
                new CallOptions(cancellationToken: ct)
            );
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(timeout.Token));

        Assert.Equal(StatusCode.DeadlineExceeded, error.StatusCode);
        Assert.Equal("no whole message within 10 s", error.Status.Detail);
    }

    [Fact]
    public async Task Renew_NewKey_GivesTheSameIdentity()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        var before = host.Agents.Get(agent.Id).Record.SerialNumber;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        var answer = await agent.Client.RenewAsync(new() { Csr = TestAgent.Csr(key) }, cancellationToken: ct);

        using var leaf = X509CertificateLoader.LoadCertificate(answer.Svid.Chain[0].Span);
        Assert.Equal(agent.SpiffeId, X509SvidVerifier.ReadId(leaf.RawDataMemory));
        Assert.Equal(key.ExportSubjectPublicKeyInfo(), leaf.PublicKey.ExportSubjectPublicKeyInfo());
        Assert.Equal(
            CertificateFields.Read(leaf.RawDataMemory).SerialNumber,
            host.Agents.Get(agent.Id).Record.SerialNumber
        );
        Assert.NotEqual(before, host.Agents.Get(agent.Id).Record.SerialNumber);
        Assert.Equal("example.org", answer.Bundle.TrustDomain);
    }

    [Fact]
    public async Task Renew_WithoutACertificate_IsUnauthenticated()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var channel = host.Connect(client: null);

        var error = await Assert.ThrowsAsync<RpcException>(() =>
            new AgentService.AgentServiceClient(channel)
                .RenewAsync(new() { Csr = TestAgent.Csr() }, cancellationToken: ct)
                .ResponseAsync
        );

        Assert.Equal(StatusCode.Unauthenticated, error.StatusCode);
        Assert.Contains("attest first", error.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Renew_Banned_IsDeniedWithTheRemedy()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        using var agent = await host.AttestAsync(ct);
        await host.Agents.BanAsync(agent.Id, dryRun: false, ct);

        var error = await Assert.ThrowsAsync<RpcException>(() =>
            agent.Client.RenewAsync(new() { Csr = TestAgent.Csr() }, cancellationToken: ct).ResponseAsync
        );

        Assert.Equal(StatusCode.PermissionDenied, error.StatusCode);
        Assert.Contains("meshca agent unban", error.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connect_CertificateOfAnotherCa_IsRefusedInTheHandshake()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = await AgentApiHost.StartAsync(ct);
        await using var other = await AgentApiHost.StartAsync(ct);
        using var stranger = await other.AttestAsync(ct);
        using var channel = host.Connect(stranger.Context);

        var error = await Assert.ThrowsAsync<RpcException>(() =>
            new AgentService.AgentServiceClient(channel)
                .RenewAsync(new() { Csr = TestAgent.Csr() }, cancellationToken: ct)
                .ResponseAsync
        );

        Assert.NotEqual(StatusCode.PermissionDenied, error.StatusCode);
        Assert.Empty(host.Agents.List(after: null, 10).Items);
    }

    private static async Task<StatusCode> CodeOfAsync(
        AgentService.AgentServiceClient client,
        AttestRequest request,
        CancellationToken ct
    )
    {
        try
        {
            await client.AttestAsync(request, cancellationToken: ct);
            return StatusCode.OK;
        }
        catch (RpcException e)
        {
            return e.StatusCode;
        }
    }
}
