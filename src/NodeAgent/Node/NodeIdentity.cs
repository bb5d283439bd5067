using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Node;

/// <summary>The agent's own SVID and the trust bundle it holds, for all parts that need them. Kept by <see cref="NodeIdentityKeeper"/>.</summary>
internal sealed class NodeIdentity
{
    private readonly Lock _lock = new();

    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile NodeSvid? _svid;
    private volatile TrustBundle? _bundle;
    private volatile string? _problem = "the node is not attested yet";

    /// <summary>Null until attested, and again when it has expired.</summary>
    public NodeSvid? Svid => _svid;

    /// <summary>The own trust domain's bundle; null until the first contact.</summary>
    public TrustBundle? Bundle => _bundle;

    /// <summary>What an operator must know; null if all is well.</summary>
    public string? Problem => _problem;

    public async Task<NodeSvid> WaitForSvidAsync(CancellationToken ct)
    {
        await WaitWhileAsync(null, ct);
        return _svid ?? await WaitForSvidAsync(ct);
    }

    /// <summary>Ends as soon as <see cref="Svid"/> is another than <paramref name="svid"/>.</summary>
    public async Task WaitWhileAsync(NodeSvid? svid, CancellationToken ct)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            changed = _changed;
            if (!ReferenceEquals(_svid, svid))
            {
                return;
            }
        }

        await changed.Task.WaitAsync(ct);
    }

    /// <summary>The same, but at most for <paramref name="timeout"/>.</summary>
    public async Task WaitWhileAsync(NodeSvid? svid, TimeSpan timeout, TimeProvider time, CancellationToken ct)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await Task.WhenAny(WaitWhileAsync(svid, ended.Token), Task.Delay(timeout, time, ended.Token));
        await ended.CancelAsync();
        ct.ThrowIfCancellationRequested();
    }

    public void Set(NodeSvid? svid)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            _svid = svid;
            if (svid is not null)
            {
                _bundle = svid.State.Bundle;
                _problem = null;
            }

            changed = _changed;
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        changed.SetResult();
    }

    /// <summary>A newer bundle with the same SVID; no new connection is needed for it.</summary>
    public void SetBundle(TrustBundle bundle) => _bundle = bundle;

    public void SetProblem(string problem) => _problem = problem;
}
