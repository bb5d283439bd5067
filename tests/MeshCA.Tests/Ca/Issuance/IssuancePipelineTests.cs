using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshCA.Ca.Issuance;
using MeshCA.Spiffe;

namespace MeshCA.Tests.Ca.Issuance;

public sealed class IssuancePipelineTests : IAsyncLifetime
{
    private IssuanceFixture _fixture = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _fixture = await IssuanceFixture.CreateAsync(Ct);

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Issue_SignerHangs_IsGivenUpAndAuditedAsNotSigned()
    {
        var never = new TaskCompletionSource();
        var called = new TaskCompletionSource();
        _fixture.Signer.Before = _ =>
        {
            called.TrySetResult();
            return never.Task;
        };

        var issuing = _fixture.IssueAsync([Order("/web")], Ct);
        await called.Task;
        Assert.Single(_fixture.Ledger.Intents);
        Assert.False(issuing.IsCompleted);
        _fixture.Time.Advance(IssuancePipeline.SignTimeout);
        var outcome = Assert.Single(await issuing);

        Assert.Equal(ErrorKind.Unavailable, outcome.Error!.Kind);
        Assert.Equal("the signer did not answer in time; try again", outcome.Error.Message);
        Assert.Equal(outcome.Error.Message, Assert.Single(_fixture.Ledger.Outcomes).Failure);
        never.SetResult();
    }

    [Fact]
    public async Task Issue_SignerFailsForSome_TheOthersAreIssued()
    {
        var calls = 0;
        _fixture.Signer.Before = _ =>
            Interlocked.Increment(ref calls) % 2 == 0
                ? throw new MeshCaException(ErrorKind.Unavailable, "the HSM is away")
                : Task.CompletedTask;

        var outcomes = await _fixture.IssueAsync([.. Enumerable.Range(0, 10).Select(i => Order($"/w/{i}"))], Ct);

        Assert.Equal(5, outcomes.Count(o => o.Certificate is not null));
        Assert.All(outcomes.Where(o => o.Certificate is null), o => Assert.Equal("the HSM is away", o.Error!.Message));
        Assert.Equal(10, _fixture.Ledger.Intents.Count);
        Assert.Equal(10, _fixture.Ledger.Outcomes.Count);
        Assert.Equal(5, _fixture.Ledger.Issued.Count());
    }

    [Fact]
    public async Task Issue_CallerGoesWhileSigning_WhatWasSignedIsRecorded()
    {
        using var caller = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var calls = 0;
        _fixture.Signer.Before = async ct =>
        {
            if (Interlocked.Increment(ref calls) == 1)
            {
                return;
            }

            await caller.CancelAsync();
            ct.ThrowIfCancellationRequested();
        };

        var outcomes = await _fixture.IssueAsync([Order("/a"), Order("/b"), Order("/c")], caller.Token);

        Assert.Single(outcomes, o => o.Certificate is not null);
        Assert.Single(_fixture.Ledger.Issued);
        Assert.Equal(3, _fixture.Ledger.Outcomes.Count);
    }

    [Fact]
    public async Task Issue_500WithASignerOf100Milliseconds_TakesNotMuchLongerThanASecond()
    {
        var orders = Enumerable.Range(0, 500).Select(i => Order($"/w/{i}")).ToArray();
        var parallel = 0;
        var most = 0;
        _fixture.Signer.Before = async ct =>
        {
            most = Math.Max(most, Interlocked.Increment(ref parallel));
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, ct);
            Interlocked.Decrement(ref parallel);
        };

        var outcomes = await _fixture.IssueAsync(orders, Ct).WaitAsync(TimeSpan.FromSeconds(5), Ct);

        Assert.All(outcomes, o => Assert.Null(o.Error));
        Assert.InRange(most, 32, 64);
    }

    [Fact]
    public async Task Issue_Permuted_OutcomesArePermutedTheSameWay()
    {
        var bad = Order("/bad") with { Csr = new byte[] { 1, 2, 3 } };
        var orders = Enumerable.Range(0, 60).Select(i => i % 7 == 0 ? bad : Order($"/w/{i}")).ToArray();
        var shuffled = orders.OrderBy(_ => RandomNumberGenerator.GetInt32(1000)).ToArray();

        var outcomes = await _fixture.IssueAsync(shuffled, Ct);

        Assert.Equal(orders.Length, outcomes.Length);
        for (var i = 0; i < outcomes.Length; i++)
        {
            if (shuffled[i].Equals(bad))
            {
                Assert.Equal(ErrorKind.Malformed, outcomes[i].Error!.Kind);
            }
            else
            {
                Assert.Equal(shuffled[i].Entry.SpiffeId, X509SvidVerifier.ReadId(outcomes[i].Certificate));
            }
        }
    }

    [Fact]
    public async Task Issue_TheSameOrderTwice_IsTwoCertificates()
    {
        var order = Order("/web");

        var outcomes = await _fixture.IssueAsync([order, order], Ct);

        Assert.NotEqual(outcomes[0].Certificate, outcomes[1].Certificate);
        Assert.Equal(2, _fixture.Ledger.Issued.Select(r => r.SerialNumber).Distinct().Count());
    }

    [Fact]
    public async Task Issue_LongestNames_Fit()
    {
        var path = "/" + new string('a', SpiffeId.MaxLength - "spiffe://example.org/".Length);
        var label = new string('b', 60);
        var names = Enumerable.Range(100, 64).Select(i => $"{label}.{label}.{label}.{label}.n{i}").ToArray();
        var order = Order("/x") with { Entry = IssuanceFixture.Entry(path, names) };

        var outcome = Assert.Single(await _fixture.IssueAsync([order], Ct));

        Assert.Null(outcome.Error);
        var fields = CertificateFields.Read(outcome.Certificate);
        Assert.Equal(names, fields.DnsNames);
        Assert.Equal([order.Entry.SpiffeId.ToString()], fields.UriNames);
    }

    [Theory]
    [InlineData("/meshca")]
    [InlineData("/meshca/server")]
    [InlineData("/meshca/agent/join_token/2")]
    public async Task Issue_EntryWithAReservedId_IsRefused(string path)
    {
        var outcome = Assert.Single(await _fixture.IssueAsync([Order(path)], Ct));

        Assert.Equal(ErrorKind.PermissionDenied, outcome.Error!.Kind);
        Assert.Empty(_fixture.Ledger.Intents);
    }

    [Fact]
    public async Task Issue_EntryOfAnotherTrustDomain_IsRefused()
    {
        var entry = IssuanceFixture.Entry("/web") with { SpiffeId = SpiffeId.Parse("spiffe://other.org/web") };

        var outcome = Assert.Single(await _fixture.IssueAsync([Order("/web") with { Entry = entry }], Ct));

        Assert.Equal(ErrorKind.PermissionDenied, outcome.Error!.Kind);
    }

    [Fact]
    public async Task Issue_CallerIsNoAgent_IsRefused()
    {
        var order = Order("/web") with { Agent = SpiffeId.Parse("spiffe://example.org/web") };

        var outcome = Assert.Single(await _fixture.IssueAsync([order], Ct));

        Assert.Equal(ErrorKind.PermissionDenied, outcome.Error!.Kind);
    }

    [Fact]
    public async Task Issue_CsrWithTheAuthoritysKey_IsRefused()
    {
        var csr = new CertificateRequest(
            new X500DistinguishedName(""),
            new PublicKey(_fixture.Signer.Key),
            HashAlgorithmName.SHA256
        ).CreateSigningRequest(X509SignatureGenerator.CreateForECDsa(_fixture.Signer.Key));

        var outcome = Assert.Single(await _fixture.IssueAsync([Order("/web") with { Csr = csr }], Ct));

        Assert.NotNull(outcome.Error);
        Assert.Empty(_fixture.Ledger.Intents);
    }

    [Fact]
    public async Task Issue_CsrForTwoIdentities_IsRefused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var csr = IssuanceFixture.Csr(
            key,
            request =>
            {
                var names = new SubjectAlternativeNameBuilder();
                names.AddUri(new("spiffe://example.org/web"));
                names.AddUri(new("spiffe://example.org/admin"));
                request.CertificateExtensions.Add(names.Build());
            }
        );

        var outcome = Assert.Single(await _fixture.IssueAsync([Order("/web") with { Csr = csr }], Ct));

        Assert.Equal("the CSR is refused: it asks for more than one URI SAN", outcome.Error!.Message);
    }

    [Fact]
    public async Task Issue_TtlWithAFraction_EndsOnAWholeSecond()
    {
        _fixture.Time.Advance(TimeSpan.FromMilliseconds(700));
        var entry = IssuanceFixture.Entry("/web") with { X509SvidTtl = TimeSpan.FromSeconds(20) };

        var outcome = Assert.Single(await _fixture.IssueAsync([Order("/web") with { Entry = entry }], Ct));

        Assert.Equal(IssuanceFixture.Start, outcome.IssuedAt);
        var fields = CertificateFields.Read(outcome.Certificate);
        Assert.Equal(IssuanceFixture.Start.AddSeconds(20), fields.NotAfter);
        Assert.Equal(IssuanceFixture.Start.AddMinutes(-2), fields.NotBefore);
    }

    [Fact]
    public void IssuanceRequest_OfACsr_HoldsItsKeyAlone()
    {
        // Whoever adds a way to make one, or a name to a verified key, is to stop here and think.
        Assert.Empty(typeof(IssuanceRequest).GetConstructors());
        Assert.Equal(
            ["IsRsa", "SubjectPublicKeyInfo"],
            typeof(VerifiedPublicKey).GetProperties().Select(p => p.Name).Order(StringComparer.Ordinal)
        );
        Assert.Empty(typeof(VerifiedPublicKey).GetConstructors());
    }

    private static IssuanceOrder Order(string path) =>
        new(IssuanceFixture.Entry(path), IssuanceFixture.Agent, IssuanceFixture.Csr());
}
