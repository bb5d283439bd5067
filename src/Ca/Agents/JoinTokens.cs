using System.Security.Cryptography;
using System.Text;
using MeshCA.Ca.Store;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Agents;

/// <summary>Makes and redeems join tokens. Safe for concurrent use.</summary>
public sealed class JoinTokens(IDataStore store, AgentRegistry agents, ServerOptions options, TimeProvider time)
{
    /// <summary>The kind of attestation, in agents' SPIFFE IDs.</summary>
    public const string Kind = "join_token";

    private const int TokenBytes = 32;
    private const int MaxTokenLength = 256;

    public static readonly TimeSpan DefaultTtl = TimeSpan.FromMinutes(10);
    public static readonly TimeSpan MinTtl = TimeSpan.FromSeconds(1);

    /// <summary>A token is a secret that travels by hand: the longer it lives, the more hands.</summary>
    public static readonly TimeSpan MaxTtl = TimeSpan.FromDays(1);

    /// <summary>Null = ten minutes. A dry run checks, and answers a token that nobody can redeem.</summary>
    public async Task<JoinToken> CreateAsync(TimeSpan? ttl, bool dryRun, CancellationToken ct)
    {
        var life = ttl ?? DefaultTtl;
        if (life < MinTtl || life > MaxTtl)
        {
            var reason = $"{life:c} is outside {MinTtl:c} to {MaxTtl:c}";
            throw new MeshCaException(ErrorKind.Malformed, $"join token not valid: /ttl: {reason}")
            {
                Errors = [new("/ttl", reason)],
            };
        }

        // Hexadecimal: unlike base64url it never starts with '-', which command lines would take for an option.
        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(TokenBytes));
        var now = time.GetUtcNow();
        if (!dryRun)
        {
            await store.CreateJoinTokenAsync(Hash(token), now, now + life, ct);
        }

        return new(token, now + life);
    }

    /// <summary>
    /// Redeems a token for the holder of a key and registers the agent that it makes. It works once; the same key may
    /// redeem again while the token is valid, since the answer may have been lost. PermissionDenied says why not.
    /// </summary>
    /// <remarks>
    /// The store finds the token by its SHA-256, so how long the search takes tells nothing about a token: a guess that
    /// shares a prefix with one shares none of its hash.
    /// </remarks>
    internal async Task<AgentRecord> RedeemAsync(
        string token,
        ReadOnlyMemory<byte> subjectPublicKeyInfo,
        string agentVersion,
        CancellationToken ct
    )
    {
        if (token.Length is 0 or > MaxTokenLength)
        {
            throw new MeshCaException(ErrorKind.Malformed, $"a join token has 1 to {MaxTokenLength} characters");
        }

        // To the millisecond, as it is stored.
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        var id = Guid.CreateVersion7(now).ToString();
        var agent = await store.RedeemJoinTokenAsync(
            Hash(token),
            SHA256.HashData(subjectPublicKeyInfo.Span),
            new AgentRecord
            {
                Id = id,
                SpiffeId = ReservedIds.Agent(options.TrustDomain, Kind, id),
                Kind = Kind,
                Version = agentVersion,
                AttestedAt = now,
                LastSeen = now,
            },
            ct
        );
        agents.Add(agent);
        return agent;
    }

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
