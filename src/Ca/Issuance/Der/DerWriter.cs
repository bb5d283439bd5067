using System.Text;

namespace MeshCA.Ca.Issuance.Der;

/// <summary>Writes DER from the last byte to the first into a buffer: so every length is known when it is written.</summary>
/// <remarks>ITU-T X.690. It allocates nothing. The caller makes the buffer large enough.</remarks>
internal ref struct DerWriter(Span<byte> buffer)
{
    private readonly Span<byte> _buffer = buffer;

    /// <summary>Where the bytes written so far begin; also the mark to give to <see cref="Wrap"/> later.</summary>
    public int Start { get; private set; } = buffer.Length;

    public readonly ReadOnlySpan<byte> Written => _buffer[Start..];

    public void Raw(scoped ReadOnlySpan<byte> bytes)
    {
        Start -= bytes.Length;
        bytes.CopyTo(_buffer[Start..]);
    }

    public void Byte(byte value) => _buffer[--Start] = value;

    /// <summary>The characters are ASCII: SPIFFE IDs and DNS names have no others.</summary>
    public void Text(scoped ReadOnlySpan<char> text)
    {
        Start -= text.Length;
        if (Ascii.FromUtf16(text, _buffer.Slice(Start, text.Length), out _) != System.Buffers.OperationStatus.Done)
        {
            throw new ArgumentException("a name in a certificate is not ASCII", nameof(text));
        }
    }

    /// <summary>Puts a tag and length before what was written since <see cref="Start"/> was <paramref name="mark"/>.</summary>
    public void Wrap(byte tag, int mark)
    {
        var length = mark - Start;
        switch (length)
        {
            case < 0x80:
                Byte((byte)length);
                break;
            case <= 0xFF:
                Byte((byte)length);
                Byte(0x81);
                break;
            case <= 0xFFFF:
                Byte((byte)length);
                Byte((byte)(length >> 8));
                Byte(0x82);
                break;
            default:
                throw new ArgumentException("a DER value is longer than 64 KiB", nameof(mark));
        }

        Byte(tag);
    }

    /// <summary>The same for a value given at once.</summary>
    public void Value(byte tag, scoped ReadOnlySpan<byte> content)
    {
        var mark = Start;
        Raw(content);
        Wrap(tag, mark);
    }

    /// <summary>UTCTime up to 2049, then GeneralizedTime (RFC 5280 section 4.1.2.5). Whole seconds.</summary>
    public void Time(DateTimeOffset value)
    {
        var mark = Start;
        var utc = value.UtcDateTime;
        Byte((byte)'Z');
        TwoDigits(utc.Second);
        TwoDigits(utc.Minute);
        TwoDigits(utc.Hour);
        TwoDigits(utc.Day);
        TwoDigits(utc.Month);
        TwoDigits(utc.Year % 100);
        if (utc.Year is >= 1950 and < 2050)
        {
            Wrap(DerTag.UtcTime, mark);
        }
        else
        {
            TwoDigits(utc.Year / 100);
            Wrap(DerTag.GeneralizedTime, mark);
        }
    }

    private void TwoDigits(int value)
    {
        Byte((byte)('0' + (value % 10)));
        Byte((byte)('0' + (value / 10)));
    }
}
