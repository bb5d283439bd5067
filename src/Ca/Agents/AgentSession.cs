using MeshCA.Spiffe;

namespace MeshCA.Ca.Agents;

/// <summary>One agent in memory, from its attestation until it is evicted. Safe for concurrent use.</summary>
internal sealed class AgentSession(AgentRecord record)
{
    /// <summary>Several during a reconnect; more would only cost memory.</summary>
    public const int MaxStreams = 32;

    private readonly Lock _gate = new();
    private AgentRecord _record = record;
    private CancellationTokenSource _allowed = New(record.Banned);
    private AgentReport? _report;
    private int _connections;
    private int _streams;
    private bool _unsaved;

    public AgentRecord Record
    {
        get
        {
            lock (_gate)
            {
                return _record;
            }
        }
    }

    /// <summary>Cancelled once the agent is banned or evicted: ends its streams.</summary>
    public CancellationToken Allowed
    {
        get
        {
            lock (_gate)
            {
                return _allowed.Token;
            }
        }
    }

    public AgentStatus Status
    {
        get
        {
            lock (_gate)
            {
                return new(_record, _connections > 0, _report);
            }
        }
    }

    /// <summary>For a stream of any kind; ResourceExhausted if the agent has too many.</summary>
    public void OpenStream()
    {
        if (Interlocked.Increment(ref _streams) > MaxStreams)
        {
            CloseStream();
            throw new MeshCaException(
                ErrorKind.ResourceExhausted,
                $"the agent has {MaxStreams} streams open already; close one of them"
            );
        }
    }

    public void CloseStream() => Interlocked.Decrement(ref _streams);

    /// <summary>For a stream that makes the agent one that is heard from.</summary>
    public void Connected() => Interlocked.Increment(ref _connections);

    public void Disconnected() => Interlocked.Decrement(ref _connections);

    /// <summary>Changes the record in memory; the next flush stores it.</summary>
    public AgentRecord Update(Func<AgentRecord, AgentRecord> change)
    {
        lock (_gate)
        {
            _unsaved = true;
            return _record = change(_record);
        }
    }

    public void Report(AgentReport report)
    {
        lock (_gate)
        {
            _report = report;
            _record = _record with { LastSeen = report.ReceivedAt };
            _unsaved = true;
        }
    }

    public void SetBanned(bool banned)
    {
        CancellationTokenSource? ended = null;
        lock (_gate)
        {
            _record = _record with { Banned = banned };
            if (banned)
            {
                ended = _allowed;
            }
            else if (_allowed.IsCancellationRequested)
            {
                _allowed = New(banned: false);
            }
        }

        // Outside the lock: it runs what streams have registered.
        ended?.Cancel();
    }

    /// <summary>What a flush has to store, or null.</summary>
    public AgentRecord? TakeUnsaved()
    {
        lock (_gate)
        {
            if (!_unsaved)
            {
                return null;
            }

            _unsaved = false;
            return _record;
        }
    }

    private static CancellationTokenSource New(bool banned)
    {
        var source = new CancellationTokenSource();
        if (banned)
        {
            source.Cancel();
        }

        return source;
    }
}
