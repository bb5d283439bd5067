using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MeshCA.Ca.Issuance;
using MeshCA.Ca.Store.Sqlite;
using MeshCA.Spiffe;
using Microsoft.Data.Sqlite;

namespace MeshCA.Tests.Ca.Store;

public sealed class SqliteLedgerTests : IAsyncDisposable
{
    private readonly StoreFixture _store = new();
    private readonly SqliteLedger _ledger;

    public SqliteLedgerTests() => _ledger = new(_store.Database, _store.Time);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task RecordIntents_Done_AreInTheFileForAnotherProcess()
    {
        var record = Record("/web");

        await _ledger.RecordIntentsAsync(new[] { record }, Ct);

        // What another connection reads has left this process: kill -9 cannot take it back.
        var row = Assert.Single(await ReadAuditAsync());
        Assert.Equal("x509.signing", row.Event);
        using var detail = JsonDocument.Parse(row.Detail);
        Assert.Equal(record.SerialNumber.ToString(), detail.RootElement.GetProperty("serialNumber").GetString());
        Assert.Equal("spiffe://example.org/web", detail.RootElement.GetProperty("spiffeId").GetString());
        Assert.Equal(record.Agent.ToString(), detail.RootElement.GetProperty("agent").GetString());
        Assert.Equal(record.EntryId, detail.RootElement.GetProperty("entryId").GetString());
        Assert.Equal(record.AuthorityId, detail.RootElement.GetProperty("authorityId").GetString());
        Assert.Equal("workload", detail.RootElement.GetProperty("kind").GetString());
        Assert.Null(await _ledger.FindAsync(record.SerialNumber, Ct));
    }

    [Fact]
    public async Task RecordOutcomes_SignedAndNot_OnlySignedIsInTheLedger()
    {
        var signed = Record("/a");
        var failed = Record("/b") with { Failure = "the \"HSM\" is away\n" };

        await _ledger.RecordOutcomesAsync(new[] { signed, failed }, Ct);

        var found = await _ledger.FindAsync(signed.SerialNumber, Ct);
        Assert.Equal(
            new IssuedIdentity(
                1,
                signed.SerialNumber.ToString(),
                signed.SpiffeId,
                signed.NotBefore,
                signed.NotAfter,
                signed.IssuedAt,
                signed.AuthorityId,
                signed.Agent,
                signed.EntryId
            ),
            found
        );
        Assert.Null(await _ledger.FindAsync(failed.SerialNumber, Ct));
        var audit = await ReadAuditAsync();
        Assert.Equal(["x509.signed", "x509.notSigned"], audit.Select(row => row.Event));
        using var detail = JsonDocument.Parse(audit[1].Detail);
        Assert.Equal(failed.Failure, detail.RootElement.GetProperty("reason").GetString());
    }

    [Theory]
    [InlineData(IssuanceKind.Authority)]
    [InlineData(IssuanceKind.Proof)]
    public async Task RecordOutcomes_NoIdentity_IsAuditedAlone(IssuanceKind kind)
    {
        var record = Record("/a") with { Kind = kind, EntryId = null };

        await _ledger.RecordOutcomesAsync(new[] { record }, Ct);

        Assert.Single(await ReadAuditAsync());
        Assert.Null(await _ledger.FindAsync(record.SerialNumber, Ct));
    }

    [Fact]
    public async Task RecordOutcomes_SerialNumberTwice_WritesNothingOfTheBatch()
    {
        var record = Record("/a");
        await _ledger.RecordOutcomesAsync(new[] { record }, Ct);

        var e = await Assert.ThrowsAsync<MeshCaException>(() =>
            _ledger.RecordOutcomesAsync(new[] { Record("/b"), record }, Ct)
        );

        Assert.Equal(ErrorKind.Unavailable, e.Kind);
        Assert.Single(await _ledger.ListAsync(IdentityFilter.All, 0, 10, Ct));
        Assert.Single(await ReadAuditAsync());
    }

    [Fact]
    public async Task Audit_ManyBatchesAtOnceAndAFailedOne_IsOneChain()
    {
        var twice = Record("/twice");
        await _ledger.RecordOutcomesAsync(new[] { twice }, Ct);
        await Task.WhenAll(
            Enumerable
                .Range(0, 30)
                .Select(async i =>
                {
                    var records = Enumerable.Range(0, 5).Select(k => Record($"/w/{i}/{k}")).ToArray();
                    await _ledger.RecordIntentsAsync(records, Ct);
                    if (i % 10 == 0)
                    {
                        await Assert.ThrowsAsync<MeshCaException>(() =>
                            _ledger.RecordOutcomesAsync(records.Append(twice).ToArray(), Ct)
                        );
                    }
                    else
                    {
                        await _ledger.RecordOutcomesAsync(records, Ct);
                    }
                })
        );
        await _store.ReopenAsync(Ct);
        await new SqliteLedger(_store.Database, _store.Time).RecordIntentsAsync(new[] { Record("/last") }, Ct);

        var audit = await ReadAuditAsync();

        Assert.Equal(1 + (30 * 5) + (27 * 5) + 1, audit.Count);
        var before = new byte[SHA256.HashSizeInBytes];
        for (var i = 0; i < audit.Count; i++)
        {
            Assert.Equal(i + 1, audit[i].Sequence);
            before = Hash(before, audit[i]);
            Assert.Equal(before, audit[i].Hash);
        }
    }

    [Fact]
    public async Task List_Filters_GiveWhatTheySay()
    {
        var other = ReservedIds.Agent(TrustDomain.Parse("example.org"), "join_token", "2");
        await _ledger.RecordOutcomesAsync(
            new[]
            {
                Record("/shop/a"),
                Record("/shop/b") with
                {
                    Agent = other,
                },
                Record("/shopping") with
                {
                    AuthorityId = "ffff",
                },
                Record("/Shop/c") with
                {
                    NotAfter = _store.Time.GetUtcNow().AddHours(9),
                },
            },
            Ct
        );

        Assert.Equal(["/shop/a", "/shop/b"], await ListAsync(new() { SpiffeIdPrefix = "spiffe://example.org/shop/" }));
        Assert.Equal(
            ["/shop/a", "/shop/b", "/shopping"],
            await ListAsync(new() { SpiffeIdPrefix = "spiffe://example.org/shop" })
        );
        Assert.Equal(["/shop/b"], await ListAsync(new() { Agent = other.ToString() }));
        Assert.Equal(["/shopping"], await ListAsync(new() { Authority = "ffff" }));
        Assert.Equal(
            ["/shop/a", "/shop/b", "/shopping"],
            await ListAsync(new() { ExpiresBefore = _store.Time.GetUtcNow().AddHours(8) })
        );
        Assert.Empty(await ListAsync(new() { SpiffeIdPrefix = "spiffe://example.org/shop/", Authority = "ffff" }));
    }

    [Fact]
    public async Task List_Pages_HaveEachIdentityOnceInTheOrderOfIssue()
    {
        await _ledger.RecordOutcomesAsync(Enumerable.Range(10, 25).Select(i => Record($"/w/{i}")).ToArray(), Ct);
        var identities = new IdentityLedger(_ledger);
        var found = new List<string>();

        string? next = null;
        do
        {
            var page = await identities.ListAsync(IdentityFilter.All, 10, next, Ct);
            found.AddRange(page.Items.Select(identity => identity.SpiffeId.Path.ToString()));
            next = page.Next;
        } while (next is not null);

        Assert.Equal(Enumerable.Range(10, 25).Select(i => $"/w/{i}"), found);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("1x")]
    [InlineData("99999999999999999999")]
    public async Task List_PageTokenNotOurs_IsRefused(string token)
    {
        var e = await Assert.ThrowsAsync<MeshCaException>(() =>
            new IdentityLedger(_ledger).ListAsync(IdentityFilter.All, 10, token, Ct)
        );

        Assert.Equal(ErrorKind.Malformed, e.Kind);
    }

    [Theory]
    [InlineData("0123456789abcdef0123456789abcdef")]
    [InlineData("rubbish")]
    public async Task Get_UnknownSerialNumber_IsNotFound(string serial)
    {
        var e = await Assert.ThrowsAsync<MeshCaException>(() => new IdentityLedger(_ledger).GetAsync(serial, Ct));

        Assert.Equal(ErrorKind.NotFound, e.Kind);
    }

    private IssuanceRecord Record(string path)
    {
        var now = _store.Time.GetUtcNow();
        return new()
        {
            Kind = IssuanceKind.Workload,
            SerialNumber = SerialNumber.Next(),
            SpiffeId = SpiffeId.Of(TrustDomain.Parse("example.org"), path),
            NotBefore = now.AddMinutes(-2),
            NotAfter = now.AddHours(1),
            IssuedAt = now,
            AuthorityId = "0123456789abcdef0123456789abcdef01234567",
            Agent = ReservedIds.Agent(TrustDomain.Parse("example.org"), "join_token", "1"),
            EntryId = "0199c7a0-0000-7000-8000-000000000001",
        };
    }

    private async Task<List<string>> ListAsync(IdentityFilter filter) =>
        [.. (await _ledger.ListAsync(filter, 0, 100, Ct)).Select(identity => identity.SpiffeId.Path.ToString())];

    private async Task<List<AuditRow>> ReadAuditAsync()
    {
        await using var connection = new SqliteConnection($"Data Source={_store.Path};Mode=ReadOnly;Pooling=False");
        await connection.OpenAsync(Ct);
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT sequence, time, event, detail, hash FROM audit ORDER BY sequence";
        await using var reader = await command.ExecuteReaderAsync(Ct);
        var rows = new List<AuditRow>();
        while (await reader.ReadAsync(Ct))
        {
            rows.Add(
                new(
                    reader.GetInt64(0),
                    reader.GetInt64(1),
                    reader.GetString(2),
                    reader.GetString(3),
                    await reader.GetFieldValueAsync<byte[]>(4, Ct)
                )
            );
        }

        return rows;
    }

    /// <summary>Written anew from the description of the chain, not from the code that writes it.</summary>
    private static byte[] Hash(byte[] before, AuditRow row)
    {
        var sequence = row.Sequence.ToString("x16", CultureInfo.InvariantCulture);
        var time = row.Time.ToString("x16", CultureInfo.InvariantCulture);
        var name = Encoding.ASCII.GetBytes(row.Event);
        return SHA256.HashData([
            .. before,
            .. Convert.FromHexString(sequence),
            .. Convert.FromHexString(time),
            (byte)name.Length,
            .. name,
            .. Encoding.UTF8.GetBytes(row.Detail),
        ]);
    }

    private sealed record AuditRow(long Sequence, long Time, string Event, string Detail, byte[] Hash);
}
