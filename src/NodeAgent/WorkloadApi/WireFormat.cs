using System.Buffers;
using System.Collections.Immutable;
using MeshCA.NodeAgent.Views;

namespace MeshCA.NodeAgent.WorkloadApi;

/// <summary>The pieces of protobuf that answers of many shared parts are written with.</summary>
internal static class WireFormat
{
    private const byte KeyTag = (1 << 3) | 2;
    private const byte ValueTag = (2 << 3) | 2;

    /// <summary>A <c>map&lt;string, bytes&gt;</c> field of bundles by the SPIFFE IDs of their trust domains.</summary>
    public static int MeasureMap(ImmutableArray<ServedBundle> bundles) =>
        bundles.Sum(static b => Field(MeasureEntry(b)));

    public static void WriteMap(IBufferWriter<byte> output, int field, ImmutableArray<ServedBundle> bundles)
    {
        foreach (var bundle in bundles)
        {
            WriteHead(output, (byte)((field << 3) | 2), MeasureEntry(bundle));
            WriteField(output, KeyTag, bundle.Key.Span);
            WriteField(output, ValueTag, bundle.Der.Span);
        }
    }

    /// <summary>Bytes of a length-delimited field with a number below 16.</summary>
    public static int Field(int length) => 1 + VarintLength(length) + length;

    public static void WriteField(IBufferWriter<byte> output, byte tag, ReadOnlySpan<byte> value)
    {
        WriteHead(output, tag, value.Length);
        output.Write(value);
    }

    public static void WriteHead(IBufferWriter<byte> output, byte tag, int length)
    {
        Span<byte> head = stackalloc byte[6];
        head[0] = tag;
        var written = 1;
        var rest = (uint)length;
        while (rest >= 0x80)
        {
            head[written++] = (byte)(rest | 0x80);
            rest >>= 7;
        }

        head[written++] = (byte)rest;
        output.Write(head[..written]);
    }

    private static int MeasureEntry(ServedBundle bundle) => Field(bundle.Key.Length) + Field(bundle.Der.Length);

    private static int VarintLength(int value)
    {
        var length = 1;
        for (var rest = (uint)value >> 7; rest > 0; rest >>= 7)
        {
            length++;
        }

        return length;
    }
}
