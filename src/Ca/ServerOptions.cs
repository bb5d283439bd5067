using System.Collections.Immutable;
using System.Net;
using MeshCA.Signers;
using MeshCA.Spiffe;

namespace MeshCA.Ca;

/// <summary>server.yaml after validation: every path absolute, every value in range.</summary>
public sealed record ServerOptions
{
    public required TrustDomain TrustDomain { get; init; }

    public required string DataDir { get; init; }

    /// <summary>The agents' gRPC listener. Port 0 = a free one.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.Any, 8081);

    /// <summary>Health and metrics; null = off.</summary>
    public IPEndPoint? Management { get; init; } = new(IPAddress.Loopback, 9464);

    /// <summary>Uids that may use the admin socket beside the server's own.</summary>
    public ImmutableArray<uint> AdminSocketUids { get; init; } = [];

    public string AdminSocketPath => Path.Combine(DataDir, "admin.sock");

    /// <summary>The SQLite file; by default <c>meshca.db</c> in the data directory.</summary>
    public required string SqlitePath { get; init; }

    public required ImmutableArray<SignerOptions> Signers { get; init; }

    public required AuthorityOptions Authority { get; init; }

    /// <summary>The lifetime of an X509-SVID whose entry names none.</summary>
    public TimeSpan X509SvidTtl { get; init; } = TimeSpan.FromHours(1);

    /// <summary>The lifetime of a JWT-SVID whose entry names none.</summary>
    public TimeSpan JwtSvidTtl { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>True: an entry must name its parent.</summary>
    public bool RequireParent { get; init; }

    /// <summary>How often agents report, beside their reports of changes.</summary>
    public TimeSpan ReportInterval { get; init; } = TimeSpan.FromSeconds(30);
}
