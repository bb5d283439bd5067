using System.Collections.Immutable;
using MeshCA.NodeAgent.Sync;
using MeshCA.Protos.V1;
using MeshCA.Spiffe;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshCA.NodeAgent.Node;

/// <summary>Attests the node once, keeps its SVID fresh, and the trust bundle on disk. Never ends before the host does.</summary>
internal sealed partial class NodeIdentityKeeper(
    AgentOptions options,
    NodeIdentity identity,
    NodeStateFile file,
    BootstrapBundle bootstrap,
    ServerChannels channels,
    TimeProvider time,
    ILogger<NodeIdentityKeeper> logger
) : BackgroundService
{
    private static readonly string _agentVersion =
        typeof(NodeIdentityKeeper).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    private readonly ServerBackoff _backoff = new(time);
    private readonly Signal _wake = new();
    private readonly Lock _saving = new();

    private NodeState? _state;
    private string? _storedProblem;

    /// <summary>True once an operator's new token has replaced the stored identity that the server refused.</summary>
    private volatile bool _abandoned;

    public static string AgentVersion => _agentVersion;

    /// <summary>Before the host serves anything: a data directory that cannot be used ends the start.</summary>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        file.Open();
        _state = file.Load();
        UseStored();
        return base.StartAsync(cancellationToken);
    }

    /// <summary>Takes over a bundle that the server pushed.</summary>
    public void UpdateBundle(TrustBundle bundle)
    {
        if (bundle.X509Authorities.IsEmpty || bundle.Equals(identity.Bundle))
        {
            return;
        }

        identity.SetBundle(bundle);
        try
        {
            lock (_saving)
            {
                if (_state is { } state)
                {
                    _state = state with { Bundle = bundle };
                    file.Save(_state);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogSaveFailed(e);
        }
    }

    /// <summary>
    /// For when the server refuses the present identity: an operator's new token says that it is no more, and to start anew.
    /// </summary>
    public void ReattestIfAsked()
    {
        if (identity.Svid is not null && HasNewToken())
        {
            _abandoned = true;
            identity.Set(null);
            _wake.Set();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            TimeSpan delay;
            try
            {
                delay = await StepAsync(stoppingToken);
                _backoff.Reset();
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                // The host stops: a cancelled call says so with an RpcException, which the host would take for a failure.
                return;
            }
            catch (Exception e)
            {
                delay = Explain(e);
            }

            await _wake.WaitAsync(delay, time, stoppingToken);
        }
    }

    /// <summary>Does what is due; how long until something is due again.</summary>
    private async Task<TimeSpan> StepAsync(CancellationToken ct)
    {
        var now = time.GetUtcNow();
        var svid = identity.Svid;
        if (svid is not null && svid.NotAfter <= now)
        {
            LogExpired(svid.SpiffeId, svid.NotAfter);
            identity.Set(null);
            svid = null;
        }

        if (svid is null && !UseStored())
        {
            await AttestAsync(ct);
        }
        else if (svid?.RenewAt <= now)
        {
            await RenewAsync(svid, ct);
        }

        svid = identity.Svid!;
        var delay = RotationSchedule.DelayUntil(svid.RenewAt, time.GetUtcNow());

        // Looked at again at least this often: the clock may have been set.
        return delay < TimeSpan.FromMinutes(1) ? delay : TimeSpan.FromMinutes(1);
    }

    /// <summary>Takes up the stored identity if it is good now: it may have looked expired only because the clock was wrong.</summary>
    private bool UseStored()
    {
        if (_abandoned || _state is not { Chain.IsEmpty: false } state)
        {
            return false;
        }

        try
        {
            identity.Set(NodeSvid.Open(state, time.GetUtcNow()));
            return true;
        }
        catch (MeshCaException e)
        {
            if (_storedProblem != e.Message)
            {
                _storedProblem = e.Message;
                LogStoredUnusable(e.Message);
            }

            return false;
        }
    }

    private async Task AttestAsync(CancellationToken ct)
    {
        // 1. The evidence, and a key that is on the disk before the token is used with it: whatever happens after that,
        //    the same key may ask again.
        var token = JoinToken.Read(options.JoinToken);
        var before = _state ?? new NodeState { TrustDomain = options.TrustDomain };
        var pending = before.PendingTokenSha256 == token.Sha256;
        var key = pending ? KeyAndCsr.FromPkcs8(before.PendingKey.Span) : KeyAndCsr.Generate();
        if (!pending)
        {
            Save(before with { PendingKey = key.Pkcs8, PendingTokenSha256 = token.Sha256 });
        }

        // 2. Whom to trust: what the configuration says, since what was learned before belongs to the identity that is lost.
        var configured = await bootstrap.ReadAsync(ct);
        if (configured is null)
        {
            LogInsecure(options.Server.Host, options.Server.Port);
        }

        // 3. Ask.
        IReadOnlyList<ReadOnlyMemory<byte>>? serverChain = null;
        using var channel = channels.Open(
            configured is null ? null : () => [configured],
            svid: null,
            chain => serverChain = chain
        );
        var answer = await new AgentService.AgentServiceClient(channel).AttestAsync(
            new AttestRequest
            {
                Csr = Google.Protobuf.UnsafeByteOperations.UnsafeWrap(key.Csr),
                JoinToken = token.Value,
                AgentVersion = _agentVersion,
            },
            deadline: ServerChannels.Deadline(),
            cancellationToken: ct
        );

        // 4. Check and keep. On a blind first contact the server must at least fit the bundle that it hands out.
        var svid = Open(answer.Svid, answer.Bundle, key, token.Sha256);
        channels.CheckServer(serverChain!, [svid.State.Bundle!]);
        Save(svid.State);
        _abandoned = false;
        identity.Set(svid);
        LogAttested(svid.SpiffeId, svid.NotAfter);
    }

    private async Task RenewAsync(NodeSvid svid, CancellationToken ct)
    {
        var key = KeyAndCsr.Generate();
        using var channel = channels.Open(() => [identity.Bundle!], svid);
        var answer = await new AgentService.AgentServiceClient(channel).RenewAsync(
            new RenewRequest { Csr = Google.Protobuf.UnsafeByteOperations.UnsafeWrap(key.Csr) },
            deadline: ServerChannels.Deadline(),
            cancellationToken: ct
        );
        var renewed = Open(answer.Svid, answer.Bundle, key, svid.State.TokenSha256);
        Save(renewed.State);
        identity.Set(renewed);
        LogRenewed(renewed.SpiffeId, renewed.NotAfter);
    }

    private NodeSvid Open(Protos.V1.X509Svid? svid, Bundle? bundle, KeyAndCsr key, string? tokenSha256)
    {
        if (svid is null || bundle is null)
        {
            throw new MeshCaException(ErrorKind.Unavailable, "the server's answer has no X509-SVID or no bundle");
        }

        var opened = NodeSvid.Open(
            new()
            {
                TrustDomain = options.TrustDomain,
                Key = key.Pkcs8,
                Chain = svid.Chain.Select(c => c.Memory).ToImmutableArray(),
                IssuedAt = DateTimeOffset.FromUnixTimeMilliseconds(svid.IssuedAtMs),
                Bundle = AgentProto.ToBundle(bundle),
                TokenSha256 = tokenSha256,
            },
            time.GetUtcNow()
        );
        return opened.State.Bundle!.TrustDomain == options.TrustDomain
            ? opened
            : throw new MeshCaException(ErrorKind.Unauthenticated, "the server's bundle is of another trust domain");
    }

    private void Save(NodeState state)
    {
        lock (_saving)
        {
            file.Save(state);
            _state = state;
        }
    }

    /// <summary>Logs what failed with its remedy; how long to wait.</summary>
    private TimeSpan Explain(Exception e)
    {
        var attested = identity.Svid is not null;
        var reason = ServerBackoff.Reason(e);
        var delay = _backoff.Next(e);
        var log = _backoff.ShouldLog(e, out var trace);
        if (ServerBackoff.IsRefusal(e))
        {
            if (log)
            {
                LogRefused(reason, ServerBackoff.Remedy, delay);
            }

            identity.SetProblem($"the server refuses this agent: {reason}; {ServerBackoff.Remedy}");
            ReattestIfAsked();
        }
        else if (attested)
        {
            if (log)
            {
                LogRenewalFailed(trace, reason, delay);
            }

            identity.SetProblem($"renewal of the agent's X509-SVID failed: {reason}");
        }
        else
        {
            if (log)
            {
                LogAttestationFailed(trace, reason, delay);
            }

            identity.SetProblem($"attestation of the node failed: {reason}");
        }

        return delay;
    }

    private bool HasNewToken()
    {
        try
        {
            return JoinToken.Read(options.JoinToken).Sha256 != _state?.TokenSha256;
        }
        catch (MeshCaException)
        {
            return false;
        }
    }

    [LoggerMessage(LogLevel.Information, "Attested as {SpiffeId}, valid until {NotAfter}")]
    private partial void LogAttested(SpiffeId spiffeId, DateTimeOffset notAfter);

    [LoggerMessage(LogLevel.Information, "Renewed the agent's X509-SVID {SpiffeId}, valid until {NotAfter}")]
    private partial void LogRenewed(SpiffeId spiffeId, DateTimeOffset notAfter);

    [LoggerMessage(
        LogLevel.Warning,
        "Trusting whatever server answers at {Host}:{Port} (insecureBootstrap): for trials only"
    )]
    private partial void LogInsecure(string host, int port);

    [LoggerMessage(LogLevel.Warning, "The stored X509-SVID cannot be used: {Reason}. Attesting anew")]
    private partial void LogStoredUnusable(string reason);

    [LoggerMessage(LogLevel.Error, "The agent's X509-SVID {SpiffeId} has expired at {NotAfter}; attesting anew")]
    private partial void LogExpired(SpiffeId spiffeId, DateTimeOffset notAfter);

    [LoggerMessage(LogLevel.Warning, "Could not attest the node: {Reason}. Retrying in {Delay}")]
    private partial void LogAttestationFailed(Exception? e, string reason, TimeSpan delay);

    [LoggerMessage(LogLevel.Warning, "Could not renew the agent's X509-SVID: {Reason}. Retrying in {Delay}")]
    private partial void LogRenewalFailed(Exception? e, string reason, TimeSpan delay);

    [LoggerMessage(
        LogLevel.Error,
        "The server refuses this agent: {Reason}. To repair it: {Remedy}. Asking again in {Delay}"
    )]
    private partial void LogRefused(string reason, string remedy, TimeSpan delay);

    [LoggerMessage(LogLevel.Error, "Could not store the trust bundle; it is used, but a restart would not know it")]
    private partial void LogSaveFailed(Exception e);
}
