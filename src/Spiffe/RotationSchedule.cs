using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MeshCA.Spiffe;

/// <summary>When certificates are replaced. All answers are instants; none lies before the time of issue.</summary>
public static class RotationSchedule
{
    private const double EarliestRenewal = 0.4;
    private const double RenewalWindow = 0.2;

    private static readonly TimeSpan _longestPreparation = TimeSpan.FromDays(30);
    private static readonly TimeSpan _longestActivation = TimeSpan.FromDays(7);

    /// <summary>When the next CA certificate is made: min(life / 2, 30 days) before this one ends.</summary>
    public static DateTimeOffset PrepareAt(DateTimeOffset issuedAt, DateTimeOffset notAfter) =>
        Before(issuedAt, notAfter, Min(Life(issuedAt, notAfter) / 2, _longestPreparation));

    /// <summary>When the next CA certificate issues at the latest: min(life / 6, 7 days) before this one ends.</summary>
    public static DateTimeOffset ActivateAt(DateTimeOffset issuedAt, DateTimeOffset notAfter) =>
        Before(issuedAt, notAfter, LongestSvidTtl(Life(issuedAt, notAfter)));

    /// <summary>The longest SVID TTL that a CA certificate of this life never has to cut short.</summary>
    public static TimeSpan LongestSvidTtl(TimeSpan caTtl) => Min(caTtl / 6, _longestActivation);

    /// <summary>When a leaf is renewed: at issue + TTL × u, u in [0.4, 0.6).</summary>
    /// <remarks>
    /// u comes from the certificate's own bytes, which its serial number makes as good as random, so that a restart draws
    /// no new one. Where u is drawn anew at each check, nearly all renewals happen at the early end: a single draw
    /// spreads them 3 to 15 times wider.
    /// </remarks>
    public static DateTimeOffset RenewAt(
        DateTimeOffset issuedAt,
        DateTimeOffset notAfter,
        ReadOnlySpan<byte> certificate
    ) => issuedAt + (Life(issuedAt, notAfter) * (EarliestRenewal + (RenewalWindow * Draw(certificate))));

    /// <summary>How long to wait from now until <paramref name="at"/>; zero when that has passed.</summary>
    public static TimeSpan DelayUntil(DateTimeOffset at, DateTimeOffset now) => at > now ? at - now : TimeSpan.Zero;

    /// <summary>Uniform in [0, 1), always the same for the same bytes.</summary>
    private static double Draw(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return (BinaryPrimitives.ReadUInt64BigEndian(hash) >> 11) * double.ScaleB(1, -53);
    }

    private static DateTimeOffset Before(DateTimeOffset issuedAt, DateTimeOffset notAfter, TimeSpan lead) =>
        issuedAt + (Life(issuedAt, notAfter) - lead);

    private static TimeSpan Life(DateTimeOffset issuedAt, DateTimeOffset notAfter) =>
        notAfter > issuedAt ? notAfter - issuedAt : TimeSpan.Zero;

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
