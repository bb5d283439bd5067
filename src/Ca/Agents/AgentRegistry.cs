using System.Collections.Concurrent;
using System.Collections.Immutable;
using MeshCA.Ca.Store;
using MeshCA.Spiffe;
using Microsoft.Extensions.Logging;

namespace MeshCA.Ca.Agents;

/// <summary>The attested agents, whether they are connected, and what they reported last. Safe for concurrent use.</summary>
public sealed partial class AgentRegistry(IDataStore store, ILogger<AgentRegistry> logger)
{
    private readonly ConcurrentDictionary<string, AgentSession> _byId = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<SpiffeId, AgentSession> _bySpiffeId = new();

    /// <summary>By id or SPIFFE ID; NotFound if there is no such agent.</summary>
    public AgentStatus Get(string id) => Find(id).Status;

    /// <summary>At most <paramref name="count"/> agents after the one with id <paramref name="after"/>, by id.</summary>
    public Page<AgentStatus> List(string? after, int count)
    {
        var found = _byId
            .Where(pair => string.CompareOrdinal(pair.Key, after) > 0)
            .OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .Take(count + 1)
            .Select(pair => pair.Value.Status)
            .ToImmutableArray();
        return found.Length > count ? new(found[..count], found[count - 1].Record.Id) : new(found, Next: null);
    }

    /// <summary>Ends the agent's streams and refuses its calls until it is unbanned.</summary>
    public async Task<AgentStatus> BanAsync(string id, bool dryRun, CancellationToken ct)
    {
        var agent = Find(id);
        if (!dryRun)
        {
            await store.SetAgentBannedAsync(agent.Record.Id, banned: true, ct);
            agent.SetBanned(banned: true);
            LogBanned(agent.Record.SpiffeId);
        }

        return agent.Status;
    }

    public async Task<AgentStatus> UnbanAsync(string id, bool dryRun, CancellationToken ct)
    {
        var agent = Find(id);
        if (!dryRun)
        {
            await store.SetAgentBannedAsync(agent.Record.Id, banned: false, ct);
            agent.SetBanned(banned: false);
            LogUnbanned(agent.Record.SpiffeId);
        }

        return agent.Status;
    }

    /// <summary>Forgets the agent and ends its streams: the node must attest again.</summary>
    public async Task EvictAsync(string id, bool dryRun, CancellationToken ct)
    {
        var agent = Find(id);
        if (!dryRun)
        {
            var record = agent.Record;
            await store.DeleteAgentAsync(record.Id, ct);
            _byId.TryRemove(record.Id, out _);
            _bySpiffeId.TryRemove(record.SpiffeId, out _);
            agent.SetBanned(banned: true);
            LogEvicted(record.SpiffeId);
        }
    }

    /// <summary>Before anything is served: what the store holds.</summary>
    internal void Load(StoredState state)
    {
        foreach (var agent in state.Agents)
        {
            Add(agent);
        }
    }

    /// <summary>An agent that has just attested. One that is known already stays as it is.</summary>
    internal void Add(AgentRecord record)
    {
        var session = _byId.GetOrAdd(record.Id, _ => new AgentSession(record));
        _bySpiffeId.TryAdd(record.SpiffeId, session);
    }

    /// <summary>The agent of that name, which is known and not banned, or PermissionDenied with the remedy.</summary>
    internal AgentSession Require(SpiffeId id)
    {
        if (!_bySpiffeId.TryGetValue(id, out var agent))
        {
            throw new MeshCaException(
                ErrorKind.PermissionDenied,
                $"agent {id} is not known: it was evicted, or attested to another server; attest again with a new join token"
            );
        }

        return agent.Allowed.IsCancellationRequested ? throw Denied(id) : agent;
    }

    /// <summary>Why a stream ended whose agent is no longer allowed.</summary>
    internal static MeshCaException Denied(SpiffeId id) =>
        new(
            ErrorKind.PermissionDenied,
            $"agent {id} is banned or evicted: run 'meshca agent unban' for it, or attest again with a new join token"
        );

    /// <summary>Notes a new X509-SVID of the agent itself.</summary>
    internal async Task RenewedAsync(
        AgentRecord agent,
        string serialNumber,
        DateTimeOffset notAfter,
        DateTimeOffset now,
        CancellationToken ct
    )
    {
        var record = Find(agent.Id)
            .Update(before => before with { SerialNumber = serialNumber, SvidNotAfter = notAfter, LastSeen = now });
        await store.UpdateAgentsAsync([record], ct);
    }

    /// <summary>Stores what has changed since the last time: reports come often, so their times are written together.</summary>
    internal async Task FlushAsync(CancellationToken ct)
    {
        var unsaved = _byId.Values.Select(agent => agent.TakeUnsaved()).OfType<AgentRecord>().ToList();
        if (unsaved.Count > 0)
        {
            await store.UpdateAgentsAsync(unsaved, ct);
        }
    }

    private AgentSession Find(string id) =>
        _byId.TryGetValue(id, out var agent)
        || (SpiffeId.TryParse(id, out var spiffeId) && _bySpiffeId.TryGetValue(spiffeId, out agent))
            ? agent
            : throw new MeshCaException(ErrorKind.NotFound, $"there is no agent {id}");

    [LoggerMessage(LogLevel.Information, "Banned agent {SpiffeId}")]
    private partial void LogBanned(SpiffeId spiffeId);

    [LoggerMessage(LogLevel.Information, "Unbanned agent {SpiffeId}")]
    private partial void LogUnbanned(SpiffeId spiffeId);

    [LoggerMessage(LogLevel.Information, "Evicted agent {SpiffeId}")]
    private partial void LogEvicted(SpiffeId spiffeId);
}
