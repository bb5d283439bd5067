using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using MeshCA.Hosting;
using MeshCA.Protos.Workload;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshCA.Tests.Commands;

/// <summary>The Workload API client against an agent that says what the test wants.</summary>
public sealed class SvidCommandsTests : IAsyncLifetime
{
    private readonly DirectoryInfo _dir = Directory.CreateTempSubdirectory("meshca-");
    private readonly FakeAgent _agent = new();
    private IHost _host = null!;

    private string Socket => Path.Combine(_dir.FullName, "agent.sock");

    public async ValueTask InitializeAsync()
    {
        _host = HostFactory.Build(
            LogLevel.Warning,
            services =>
            {
                services.AddGrpc();
                services.AddSingleton(_agent);
            },
            kestrel => kestrel.ListenUnixSocket(Socket, static l => l.Protocols = HttpProtocols.Http2),
            static app =>
            {
                app.UseRouting();
                app.UseEndpoints(static e => e.MapGrpcService<FakeAgent>());
            }
        );
        await _host.StartAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(CancellationToken.None);
        _host.Dispose();
        _dir.Delete(recursive: true);
    }

    [Fact]
    public async Task X509_TwoIdentities_PrintsBothAndNoKey()
    {
        _agent.Answer.Svids.AddRange([Svid("spiffe://example.org/a"), Svid("spiffe://example.org/b")]);

        var (code, stdout, stderr) = await Cli.RunAsync("svid", "x509", "--socket", Socket);

        Assert.True(code == 0, stderr);
        Assert.StartsWith("spiffe://example.org/a\n-----BEGIN CERTIFICATE-----\n", stdout, StringComparison.Ordinal);
        Assert.Contains("\nspiffe://example.org/b\n-----BEGIN CERTIFICATE-----\n", stdout, StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE", stdout, StringComparison.Ordinal);
        Assert.Equal("true", _agent.SecurityHeader);
    }

    [Fact]
    public async Task X509_Json_HasWhatScriptsNeedAndNoKey()
    {
        _agent.Answer.Svids.Add(Svid("spiffe://example.org/a", "internal"));

        var (_, stdout, _) = await Cli.RunAsync("svid", "x509", "--socket", Socket, "-o", "json");

        var svid = JsonDocument.Parse(stdout).RootElement.GetProperty("svids")[0];
        Assert.Equal("spiffe://example.org/a", svid.GetProperty("spiffeId").GetString());
        Assert.Equal("internal", svid.GetProperty("hint").GetString());
        Assert.EndsWith("Z", svid.GetProperty("notAfter").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE", stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task X509_Write_MakesThreeFilesTheKeyForTheOwnerAlone()
    {
        _agent.Answer.Svids.AddRange([Svid("spiffe://example.org/a"), Svid("spiffe://example.org/b")]);
        var target = Path.Combine(_dir.FullName, "id");

        var (code, _, stderr) = await Cli.RunAsync(
            "svid",
            "x509",
            "--socket",
            $"unix://{Socket}",
            "--spiffe-id",
            "spiffe://example.org/b",
            "--write",
            target
        );

        Assert.True(code == 0, stderr);
        Assert.Equal(
            ["bundle.pem", "key.pem", "svid.pem"],
            Directory.EnumerateFiles(target).Select(Path.GetFileName).Order(StringComparer.Ordinal)
        );
        var key = Path.Combine(target, "key.pem");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(key));
        using var pair = X509Certificate2.CreateFromPemFile(Path.Combine(target, "svid.pem"), key);
        Assert.True(pair.HasPrivateKey);
    }

    [Fact]
    public async Task X509_UnknownId_IsExit1()
    {
        _agent.Answer.Svids.Add(Svid("spiffe://example.org/a"));

        var (code, stdout, _) = await Cli.RunAsync("svid", "x509", "--socket", Socket, "--spiffe-id", "spiffe://x/y");

        Assert.Equal((1, ""), (code, stdout));
    }

    [Fact]
    public async Task X509_NoIdentity_IsExit1WithTheRemedy()
    {
        _agent.Error = new(new Status(StatusCode.PermissionDenied, "no identity issued"));

        var (code, _, stderr) = await Cli.RunAsync("svid", "x509", "--socket", Socket);

        Assert.Equal(1, code);
        Assert.StartsWith("error: no identity issued: no entry matches", stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task X509_AgentIsSilent_EndsAtItsTimeout()
    {
        _agent.IsSilent = true;

        var (code, _, stderr) = await Cli.RunAsync("svid", "x509", "--socket", Socket, "--timeout", "200ms");

        Assert.Equal(1, code);
        Assert.Contains("no identity within 200ms", stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task X509_KeyOfAnother_IsRefused()
    {
        var svid = Svid("spiffe://example.org/a");
        svid.X509SvidKey = Svid("spiffe://example.org/b").X509SvidKey;
        _agent.Answer.Svids.Add(svid);

        var (code, stdout, stderr) = await Cli.RunAsync("svid", "x509", "--socket", Socket);

        Assert.Equal((1, ""), (code, stdout));
        Assert.DoesNotContain("defect", stderr, StringComparison.Ordinal);
    }

    private static X509SVID Svid(string id, string hint = "")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(id));
        request.CertificateExtensions.Add(names.Build(critical: true));
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true)
        );
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddMinutes(-1), now.AddHours(1));
        return new()
        {
            SpiffeId = id,
            Hint = hint,
            X509Svid = ByteString.CopyFrom(certificate.RawData),
            X509SvidKey = ByteString.CopyFrom(key.ExportPkcs8PrivateKey()),
            Bundle = ByteString.CopyFrom(certificate.RawData),
        };
    }

    private sealed class FakeAgent : SpiffeWorkloadAPI.SpiffeWorkloadAPIBase
    {
        public X509SVIDResponse Answer { get; } = new();

        public RpcException? Error { get; set; }

        public bool IsSilent { get; set; }

        public string? SecurityHeader { get; private set; }

        public override async Task FetchX509SVID(
            X509SVIDRequest request,
            IServerStreamWriter<X509SVIDResponse> responseStream,
            ServerCallContext context
        )
        {
            SecurityHeader = context.RequestHeaders.GetValue("workload.spiffe.io");
            if (Error is not null)
            {
                throw Error;
            }

            if (!IsSilent)
            {
                await responseStream.WriteAsync(Answer, context.CancellationToken);
            }

            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.CancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
