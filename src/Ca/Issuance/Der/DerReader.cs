using System.Formats.Asn1;

namespace MeshCA.Ca.Issuance.Der;

/// <summary>Reads DER strictly, one value after the other, on .NET's decoder. Throws AsnContentException. Allocates nothing.</summary>
internal ref struct DerReader(ReadOnlySpan<byte> data)
{
    private ReadOnlySpan<byte> _rest = data;

    public readonly bool IsEmpty => _rest.IsEmpty;

    /// <summary>The first byte of the next value; 0, which is no tag of ours, at the end.</summary>
    public readonly byte NextTag => _rest.IsEmpty ? (byte)0 : _rest[0];

    /// <summary>The next value's content. Its tag must be this one, of a single byte.</summary>
    public ReadOnlySpan<byte> Content(byte tag)
    {
        RequireTag(tag);
        AsnDecoder.ReadEncodedValue(_rest, AsnEncodingRules.DER, out var offset, out var length, out var consumed);
        var content = _rest.Slice(offset, length);
        _rest = _rest[consumed..];
        return content;
    }

    /// <summary>The next value with its tag and length.</summary>
    public ReadOnlySpan<byte> Encoded(byte tag)
    {
        RequireTag(tag);
        AsnDecoder.ReadEncodedValue(_rest, AsnEncodingRules.DER, out _, out _, out var consumed);
        var encoded = _rest[..consumed];
        _rest = _rest[consumed..];
        return encoded;
    }

    public DerReader Sequence() => new(Content(DerTag.Sequence));

    /// <summary>The content of an INTEGER in its shortest form.</summary>
    public ReadOnlySpan<byte> Integer()
    {
        var integer = AsnDecoder.ReadIntegerBytes(_rest, AsnEncodingRules.DER, out var consumed);
        _rest = _rest[consumed..];
        return integer;
    }

    /// <summary>A BIT STRING of whole bytes.</summary>
    public ReadOnlySpan<byte> BitString()
    {
        var content = Content(DerTag.BitString);
        return content.Length > 0 && content[0] == 0
            ? content[1..]
            : throw new AsnContentException("a BIT STRING does not consist of whole bytes");
    }

    /// <summary>A BOOLEAN, which in DER is TRUE where FALSE is the default.</summary>
    public bool OptionalTrue()
    {
        if (NextTag != DerTag.Boolean)
        {
            return false;
        }

        return Content(DerTag.Boolean) is [0xFF] ? true : throw new AsnContentException("a BOOLEAN is not DER's TRUE");
    }

    public DateTimeOffset Time()
    {
        int consumed;
        var time =
            NextTag == DerTag.UtcTime
                ? AsnDecoder.ReadUtcTime(_rest, AsnEncodingRules.DER, out consumed, twoDigitYearMax: 2049)
                : AsnDecoder.ReadGeneralizedTime(_rest, AsnEncodingRules.DER, out consumed);
        _rest = _rest[consumed..];
        return time;
    }

    public readonly void RequireEnd()
    {
        if (!_rest.IsEmpty)
        {
            throw new AsnContentException("bytes follow where none belong");
        }
    }

    private readonly void RequireTag(byte tag)
    {
        if (NextTag != tag)
        {
            throw new AsnContentException($"a value has the tag {NextTag:x2}, not {tag:x2}");
        }
    }
}
