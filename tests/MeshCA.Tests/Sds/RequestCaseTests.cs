using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using MeshCA.Protos.Envoy.Config.Core.V3;
using MeshCA.Protos.Envoy.Extensions.TransportSockets.Tls.V3;
using MeshCA.Protos.Envoy.Service.Discovery.V3;
using MeshCA.Protos.Envoy.Type.V3;
using MeshCA.Sds;

namespace MeshCA.Tests.Sds;

/// <summary>The request cases of Vectors/sds-v3.json: what SPIRE's SDS handler answers, by its unit tests.</summary>
public sealed class RequestCaseTests
{
    public static TheoryData<string, string> Cases()
    {
        var data = new TheoryData<string, string>();
        using var vectors = Vectors();
        foreach (var c in vectors.RootElement.GetProperty("request_cases").EnumerateArray())
        {
            // Those with a member "meshca" are where we differ on purpose; they have tests of their own.
            if (!c.TryGetProperty("meshca", out _))
            {
                foreach (var method in c.GetProperty("methods").EnumerateArray())
                {
                    data.Add(c.GetProperty("name").GetString()!, method.GetString()!);
                }
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Request_OfVector_IsAnsweredAsItSays(string name, string method)
    {
        var ct = TestContext.Current.CancellationToken;
        using var vectors = Vectors();
        var c = vectors
            .RootElement.GetProperty("request_cases")
            .EnumerateArray()
            .Single(x => x.GetProperty("name").GetString() == name);
        await using var host = await SdsHost.StartAsync(ct, Options(c.GetProperty("config")));

        var (status, response) = await AskAsync(host, method, Request(c), ct);

        Assert.True(c.GetProperty("expectCode").GetString() == status.StatusCode.ToString(), status.ToString());
        if (c.GetProperty("expectMessage").GetString() is { } message)
        {
            Assert.Equal(message, status.Detail);
            return;
        }

        var expected = c.GetProperty("expect").EnumerateArray().ToList();
        Assert.Equal(
            expected.Select(e => e.GetProperty("name").GetString()!),
            response!.Resources.Select(r => r.Unpack<Secret>().Name),
            StringComparer.Ordinal
        );
        foreach (var (want, got) in expected.Zip(response.Resources.Select(r => r.Unpack<Secret>())))
        {
            Check(want, got, host);
        }
    }

    private static void Check(JsonElement want, Secret got, SdsHost host)
    {
        var current = host.Source.Feed.Current!;
        var bundles = current
            .FederatedBundles.Prepend(current.Bundle)
            .ToDictionary(b => b.TrustDomain.Name, SecretText.Pem, StringComparer.Ordinal);
        switch (want.GetProperty("form").GetString())
        {
            case "TLS":
                var identity = Assert.Single(current.Identities);
                Assert.Equal(want.GetProperty("id").GetString(), identity.SpiffeId.ToString());
                Assert.Equal(identity.CertificateChainPem.ToArray(), got.TlsCertificate.CertificateChain.InlineBytes);
                Assert.Equal(identity.PrivateKeyPem.ToArray(), got.TlsCertificate.PrivateKey.InlineBytes);
                break;
            case "RootCA":
                var domain = Assert.Single(want.GetProperty("trustDomains").EnumerateArray()).GetString()!;
                Assert.Equal(bundles[domain], got.ValidationContext.TrustedCa.InlineBytes.ToStringUtf8());
                Assert.Null(got.ValidationContext.CustomValidatorConfig);
                Assert.Empty(got.ValidationContext.MatchTypedSubjectAltNames);
                break;
            case "SPIFFE":
                Assert.Null(got.ValidationContext.TrustedCa);
                Assert.Empty(got.ValidationContext.MatchTypedSubjectAltNames);
                Assert.Equal("envoy.tls.cert_validator.spiffe", got.ValidationContext.CustomValidatorConfig.Name);
                var domains = SecretText.Validator(got).TrustDomains;
                Assert.Equal(
                    want.GetProperty("trustDomains").EnumerateArray().Select(d => d.GetString()),
                    domains.Select(d => d.Name),
                    StringComparer.Ordinal
                );
                Assert.All(domains, d => Assert.Equal(bundles[d.Name], d.TrustBundle.InlineBytes.ToStringUtf8()));
                break;
            case var other:
                Assert.Fail($"unknown form {other}");
                break;
        }
    }

    private static async Task<(Status Status, DiscoveryResponse? Response)> AskAsync(
        SdsHost host,
        string method,
        DiscoveryRequest request,
        CancellationToken ct
    )
    {
        if (method == "FetchSecrets")
        {
            try
            {
                var fetched = await host.Connect().FetchSecretsAsync(request, cancellationToken: ct);
                Assert.Empty(fetched.VersionInfo);
                Assert.Empty(fetched.Nonce);
                Assert.Equal(SdsHost.TypeUrl, fetched.TypeUrl);
                return (Status.DefaultSuccess, fetched);
            }
            catch (RpcException e)
            {
                return (e.Status, null);
            }
        }

        var stream = host.OpenSotw(ct);
        await stream.SendAsync(request);
        try
        {
            return (Status.DefaultSuccess, await stream.NextAsync());
        }
        catch (RpcException e)
        {
            return (e.Status, null);
        }
    }

    private static SdsOptions Options(JsonElement config)
    {
        var options = new SdsOptions();
        foreach (var member in config.EnumerateObject())
        {
            options = member.Name switch
            {
                "disable_spiffe_cert_validation" => options with
                {
                    DisableSpiffeCertValidation = member.Value.GetBoolean(),
                },
                "default_bundle_name" => options with { BundleName = member.Value.GetString()! },
                _ => throw new InvalidDataException(member.Name),
            };
        }

        return options;
    }

    private static DiscoveryRequest Request(JsonElement c)
    {
        var request = new DiscoveryRequest
        {
            TypeUrl = SdsHost.TypeUrl,
            Node = new Node { Id = "n", Cluster = "c" },
        };
        request.ResourceNames.Add(c.GetProperty("resourceNames").EnumerateArray().Select(n => n.GetString()!));
        if (c.GetProperty("envoyVersion").GetString() is { } version)
        {
            request.Node.UserAgentBuildVersion = new BuildVersion
            {
                Version = new SemanticVersion { MajorNumber = 1, MinorNumber = uint.Parse(version.Split('.')[1]) },
            };
        }

        request.Node.Metadata = JsonParser.Default.Parse<Struct>(c.GetProperty("nodeMetadata").GetRawText());
        return request;
    }

    private static JsonDocument Vectors() =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Sds/Vectors/sds-v3.json")));
}
