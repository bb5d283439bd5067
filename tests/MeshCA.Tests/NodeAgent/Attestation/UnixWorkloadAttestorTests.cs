using System.Security.Cryptography;
using MeshCA.NodeAgent.Attestation;
using MeshCA.NodeAgent.Peers;
using MeshCA.Spiffe;
using MeshCA.Tests.NodeAgent.Peers;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshCA.Tests.NodeAgent.Attestation;

public sealed class UnixWorkloadAttestorTests : IDisposable
{
    private readonly UnixWorkloadAttestor _attestor = new(
        TimeProvider.System,
        NullLogger<UnixWorkloadAttestor>.Instance
    );

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _attestor.Dispose();

    [Fact]
    public async Task Attest_OtherUidAndGroups_AllSelectors()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "another uid needs root");
        await using var child = await ChildPeer.StartAsync(
            Ct,
            ["/usr/bin/setpriv", "--reuid=1", "--regid=2", "--groups=3,54321"]
        );

        var selectors = await AttestAsync(child.Peer);

        Assert.Equal(
            [
                "unix:gid:2",
                "unix:group:bin",
                $"unix:path:{new FileInfo(ChildPeer.Perl).ResolveLinkTarget(true)?.FullName ?? ChildPeer.Perl}",
                $"unix:sha256:{HashOf(ChildPeer.Perl)}",
                "unix:supplementary_gid:3",
                "unix:supplementary_gid:54321",
                "unix:supplementary_group:sys",
                "unix:uid:1",
                "unix:user:daemon",
            ],
            selectors
        );
    }

    [Fact]
    public async Task Attest_UnknownUid_NoUserSelector()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "another uid needs root");
        await using var child = await ChildPeer.StartAsync(
            Ct,
            ["/usr/bin/setpriv", "--reuid=54321", "--regid=54322", "--clear-groups"]
        );

        var selectors = await AttestAsync(child.Peer);

        Assert.Contains(selectors, s => s == "unix:uid:54321");
        Assert.Contains(selectors, s => s == "unix:gid:54322");
        Assert.DoesNotContain(selectors, s => s.StartsWith("unix:user:", StringComparison.Ordinal));
        Assert.DoesNotContain(selectors, s => s.StartsWith("unix:group:", StringComparison.Ordinal));
        Assert.DoesNotContain(selectors, s => s.StartsWith("unix:supplementary", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Attest_ExecutableDeletedOrReplaced_HashStaysPathGoes()
    {
        var directory = Directory.CreateTempSubdirectory("meshca-exe-").FullName;
        try
        {
            var copy = Path.Combine(directory, "workload");
            File.Copy(ChildPeer.Perl, copy);
            await using var child = await ChildPeer.StartAsync(Ct, executable: copy);
            Assert.Contains(await AttestAsync(child.Peer), s => s == $"unix:path:{copy}");

            File.Delete(copy);
            await File.WriteAllTextAsync(copy, "another program", Ct);
            var selectors = await AttestAsync(child.Peer);

            Assert.Contains(selectors, s => s == $"unix:sha256:{HashOf(ChildPeer.Perl)}");
            Assert.DoesNotContain(selectors, s => s.StartsWith("unix:path:", StringComparison.Ordinal));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public async Task PeerAttestor_ProcessExecsAnotherProgram_IsAttestedAnew()
    {
        await using var child = await ChildPeer.StartAsync(Ct);
        var attestor = new PeerAttestor(
            [_attestor],
            new PeerLimits(NullLogger<PeerLimits>.Instance),
            NullLogger<PeerAttestor>.Instance
        );
        var before = await attestor.AttestAsync(child.Peer, Ct);
        Assert.Same(before, await attestor.AttestAsync(child.Peer, Ct));

        await child.ExecAsync(Ct);
        var after = await attestor.AttestAsync(child.Peer, Ct);

        Assert.NotEqual(before, after);
        Assert.DoesNotContain(after.Sorted, s => s.ToString().Contains("perl", StringComparison.Ordinal));
        Assert.Contains(after.Sorted, s => s.ToString().EndsWith("/cat", StringComparison.Ordinal));
    }

    [Fact]
    public async Task PeerAttestor_PeerIsGone_Unauthenticated()
    {
        await using var child = await ChildPeer.StartAsync(Ct);
        var attestor = new PeerAttestor(
            [_attestor],
            new PeerLimits(NullLogger<PeerLimits>.Instance),
            NullLogger<PeerAttestor>.Instance
        );
        await child.EndAsync(Ct);

        var gone = await Assert.ThrowsAsync<MeshCaException>(async () => await attestor.AttestAsync(child.Peer, Ct));

        Assert.Equal(ErrorKind.Unauthenticated, gone.Kind);
        Assert.Equal("could not verify existence of the original caller", gone.Message);
    }

    [Fact]
    public async Task PeerAttestor_GoneAfterItWasAttested_Unauthenticated()
    {
        await using var child = await ChildPeer.StartAsync(Ct);
        var attestor = new PeerAttestor(
            [_attestor],
            new PeerLimits(NullLogger<PeerLimits>.Instance),
            NullLogger<PeerAttestor>.Instance
        );
        await attestor.AttestAsync(child.Peer, Ct);
        await child.EndAsync(Ct);

        var gone = await Assert.ThrowsAsync<MeshCaException>(async () => await attestor.AttestAsync(child.Peer, Ct));

        Assert.Equal(ErrorKind.Unauthenticated, gone.Kind);
    }

    private static string HashOf(string path) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)));

    private async Task<string[]> AttestAsync(Peer peer)
    {
        var selectors = new List<Selector>();
        await _attestor.AttestAsync(peer, selectors, Ct);
        return [.. selectors.Order().Select(s => s.ToString())];
    }
}
