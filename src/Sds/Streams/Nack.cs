using MeshCA.Sds.Resources;

namespace MeshCA.Sds.Streams;

/// <summary>A refusal that stands: the client holds older content until something newer is sent.</summary>
/// <param name="Refused">What the refused response carried.</param>
/// <param name="Reason">Scrubbed and cut.</param>
/// <param name="Sequence">Grows with each refusal.</param>
internal sealed record Nack(Resource[] Refused, string Reason, long Sequence)
{
    private static long _last;

    public static Nack Of(Resource[] refused, string reason) => new(refused, reason, Interlocked.Increment(ref _last));
}
