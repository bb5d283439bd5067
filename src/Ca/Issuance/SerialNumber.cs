using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace MeshCA.Ca.Issuance;

/// <summary>A certificate's serial number: 16 bytes from the system's random generator, the top bit clear.</summary>
/// <remarks>
/// RFC 5280 section 4.1.2.2: positive and at most 20 bytes. The first byte is not zero either, so that DER keeps all 16.
/// </remarks>
public readonly record struct SerialNumber(UInt128 Value)
{
    public const int Length = 16;

    /// <summary>Random bytes come cheaper by the page than by the number. They are public, so keeping some is no risk.</summary>
    private const int PoolLength = Length * 64;

    [ThreadStatic]
    private static byte[]? _pool;

    [ThreadStatic]
    private static int _used;

    public static SerialNumber Next()
    {
        while (true)
        {
            if (_pool is null || _used == PoolLength)
            {
                _pool ??= new byte[PoolLength];
                RandomNumberGenerator.Fill(_pool);
                _used = 0;
            }

            var value = BinaryPrimitives.ReadUInt128BigEndian(_pool.AsSpan(_used, Length)) & (UInt128.MaxValue >> 1);
            _used += Length;
            if (value >> 120 != 0)
            {
                return new(value);
            }
        }
    }

    /// <summary>Lower-case hex, 32 digits.</summary>
    public static bool TryParse(ReadOnlySpan<char> hex, out SerialNumber serial)
    {
        var parsed = UInt128.TryParse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value);
        serial = new(value);
        return parsed && hex.Length == Length * 2 && !hex.ContainsAnyInRange('A', 'F');
    }

    public void WriteTo(Span<byte> bytes) => BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);

    /// <summary>Writes the 32 digits of <see cref="ToString"/>.</summary>
    public void Format(Span<char> hex) => Value.TryFormat(hex, out _, "x32", CultureInfo.InvariantCulture);

    public override string ToString() => Value.ToString("x32", CultureInfo.InvariantCulture);
}
