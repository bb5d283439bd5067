using MeshCA.Ca.Agents;
using MeshCA.Spiffe;

namespace MeshCA.Ca.AgentApi;

/// <summary>Ends a stream when its agent goes, is banned or evicted, its certificate expires, or the server stops; and says why.</summary>
internal sealed class StreamEnd : IDisposable
{
    private static readonly TimeSpan _maxTimer = TimeSpan.FromDays(30);

    private readonly CallerIdentity _caller;
    private readonly CancellationToken _allowed;
    private readonly CancellationToken _stopping;
    private readonly CancellationTokenSource _expiry;
    private readonly CancellationTokenSource _any;

    public StreamEnd(CallerIdentity caller, TimeProvider time, CancellationToken stopping, CancellationToken ct)
    {
        _caller = caller;
        _allowed = caller.Session.Allowed;
        _stopping = stopping;

        // A timer takes at most some 49 days; the agent renews long before.
        var left = caller.NotAfter - time.GetUtcNow();
        _expiry = new CancellationTokenSource(left < _maxTimer ? left : _maxTimer, time);
        _any = CancellationTokenSource.CreateLinkedTokenSource(ct, _allowed, stopping, _expiry.Token);
    }

    public CancellationToken Token => _any.Token;

    /// <summary>Why it ended; null if the agent itself went.</summary>
    public MeshCaException? Reason =>
        this switch
        {
            { _allowed.IsCancellationRequested: true } => AgentRegistry.Denied(_caller.SpiffeId),
            { _stopping.IsCancellationRequested: true } => new(ErrorKind.Unavailable, "the server is stopping"),
            { _expiry.IsCancellationRequested: true } => CallerIdentity.Expired(_caller.NotAfter),
            _ => null,
        };

    public void Dispose()
    {
        _any.Dispose();
        _expiry.Dispose();
    }
}
