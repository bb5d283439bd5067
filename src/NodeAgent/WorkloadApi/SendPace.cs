using MeshCA.NodeAgent.Views;

namespace MeshCA.NodeAgent.WorkloadApi;

/// <summary>
/// Decides when a stream gets its next full set. A lone change goes out at once; a flood of changes becomes few messages,
/// so that all bytes sent stay within a small multiple of the last message.
/// </summary>
/// <remarks>
/// Each message carries everything. One for each of n entries would be n² / 2 SVIDs. So bytes are paid from a purse that
/// fills slowly. While it is empty a message goes only when the set has grown by 60 % (a geometric series: 2.7 times the
/// last message in all), when the changes have come to rest, or when an SVID that the client holds gets old.
/// </remarks>
internal sealed class SendPace(TimeProvider time)
{
    private const double PurseBytes = 128 * 1024;
    private const double BytesPerSecond = 128 * 1024;
    private const double Growth = 1.6;

    /// <summary>What counts as rest: longer for larger messages.</summary>
    private const double RestBytesPerSecond = 8 * 1024 * 1024;

    private static readonly TimeSpan _minRest = TimeSpan.FromMilliseconds(40);

    /// <summary>SVIDs that are on their way are waited for, but not for ever: the CA may have gone away.</summary>
    private static readonly TimeSpan _maxPendingWait = TimeSpan.FromSeconds(1);

    /// <summary>This share of the client's remaining validity may pass before it is told of renewed SVIDs.</summary>
    private const double LifeShare = 0.25;

    private readonly long _opened = time.GetTimestamp();

    private double _purse = PurseBytes;
    private TimeSpan _filledAt;
    private TimeSpan _renewBy = TimeSpan.MaxValue;

    /// <summary>Zero: send <paramref name="next"/> now. Else how long to wait before asking again, if nothing changes.</summary>
    public TimeSpan Delay(ViewSnapshot next, ViewSnapshot? sent)
    {
        if (sent is null)
        {
            return TimeSpan.Zero;
        }

        var now = time.GetElapsedTime(_opened);
        Fill(now);
        if (_renewBy == TimeSpan.MaxValue && sent.EarliestNotAfter != DateTimeOffset.MaxValue)
        {
            _renewBy = now + ((sent.EarliestNotAfter - time.GetUtcNow()) * LifeShare);
        }

        if (_purse > 0 || next.X509Length >= Growth * sent.X509Length || now >= _renewBy)
        {
            return TimeSpan.Zero;
        }

        var quiet = time.GetElapsedTime(next.MadeAt);
        var rest = _minRest + TimeSpan.FromSeconds(next.X509Length / RestBytesPerSecond);

        // Where the source stutters, each stutter looks like rest: after the first, ask for more of it.
        rest = -_purse > next.X509Length ? rest * 2 : rest;
        rest = next.PendingCount > 0 && rest < _maxPendingWait ? _maxPendingWait : rest;
        if (quiet >= rest)
        {
            return TimeSpan.Zero;
        }

        var delay = rest - quiet;
        var filled = TimeSpan.FromSeconds(-_purse / BytesPerSecond) + TimeSpan.FromMilliseconds(1);
        delay = filled < delay ? filled : delay;
        return _renewBy - now < delay ? _renewBy - now : delay;
    }

    public void Sent(ViewSnapshot snapshot)
    {
        Fill(time.GetElapsedTime(_opened));
        _purse -= snapshot.X509Length;
        _renewBy = TimeSpan.MaxValue;
    }

    private void Fill(TimeSpan now)
    {
        _purse = Math.Min(PurseBytes, _purse + ((now - _filledAt).TotalSeconds * BytesPerSecond));
        _filledAt = now;
    }
}
