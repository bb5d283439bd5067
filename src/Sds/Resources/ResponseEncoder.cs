using System.Buffers.Binary;
using System.Globalization;
using Google.Protobuf;
using MeshCA.Protos.Envoy.Service.Discovery.V3;

namespace MeshCA.Sds.Resources;

/// <summary>Encodes discovery responses.</summary>
/// <remarks>
/// By hand, because the resources are encoded already: as objects, each would be decoded, copied and encoded again.
/// </remarks>
internal static class ResponseEncoder
{
    private const int GrpcPrefix = 5;
    private const int TagSize = 1; // of every field here: their numbers are below 16

    private static long _lastNonce;

    /// <summary>A <c>DiscoveryResponse</c> with everything.</summary>
    public static Response Full(string typeUrl, string version, Resource[] resources)
    {
        var nonce = NextNonce();
        var size = FieldSize(version) + FieldSize(typeUrl) + FieldSize(nonce);
        foreach (var resource in resources)
        {
            size += FieldSize(resource.Any);
        }

        var frame = NewFrame(size, out var output);
        WriteField(output, DiscoveryResponse.VersionInfoFieldNumber, version);
        foreach (var resource in resources)
        {
            WriteField(output, DiscoveryResponse.ResourcesFieldNumber, resource.Any);
        }

        WriteField(output, DiscoveryResponse.TypeUrlFieldNumber, typeUrl);
        WriteField(output, DiscoveryResponse.NonceFieldNumber, nonce);
        output.Flush();
        return new(frame, version, nonce, resources);
    }

    /// <summary>A <c>DeltaDiscoveryResponse</c> with what has changed.</summary>
    public static Response Delta(
        string typeUrl,
        string version,
        Resource[] changed,
        IReadOnlyCollection<string> removed
    )
    {
        var nonce = NextNonce();
        var size = FieldSize(version) + FieldSize(typeUrl) + FieldSize(nonce) + removed.Sum(FieldSize);
        foreach (var resource in changed)
        {
            var inner = InnerSize(resource);
            size += TagSize + CodedOutputStream.ComputeLengthSize(inner) + inner;
        }

        var frame = NewFrame(size, out var output);
        WriteField(output, DeltaDiscoveryResponse.SystemVersionInfoFieldNumber, version);
        foreach (var resource in changed)
        {
            output.WriteTag(DeltaDiscoveryResponse.ResourcesFieldNumber, WireFormat.WireType.LengthDelimited);
            output.WriteLength(InnerSize(resource));
            WriteField(output, Protos.Envoy.Service.Discovery.V3.Resource.VersionFieldNumber, resource.Version);
            WriteField(output, Protos.Envoy.Service.Discovery.V3.Resource.Resource_FieldNumber, resource.Any);
            WriteField(output, Protos.Envoy.Service.Discovery.V3.Resource.NameFieldNumber, resource.Name);
        }

        WriteField(output, DeltaDiscoveryResponse.TypeUrlFieldNumber, typeUrl);
        WriteField(output, DeltaDiscoveryResponse.NonceFieldNumber, nonce);
        foreach (var name in removed)
        {
            WriteField(output, DeltaDiscoveryResponse.RemovedResourcesFieldNumber, name);
        }

        output.Flush();
        return new(frame, version, nonce, changed);
    }

    /// <summary>Frames a message as gRPC does: not compressed, four bytes of length.</summary>
    public static byte[] Frame(IMessage message)
    {
        var frame = NewFrame(message.CalculateSize(), out var output);
        message.WriteTo(output);
        output.Flush();
        return frame;
    }

    private static byte[] NewFrame(int size, out CodedOutputStream output)
    {
        var frame = new byte[GrpcPrefix + size];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), size);
        output = new CodedOutputStream(new MemoryStream(frame, GrpcPrefix, size), Math.Clamp(size, 1, 64 * 1024));
        return frame;
    }

    private static int InnerSize(Resource resource) =>
        FieldSize(resource.Version) + FieldSize(resource.Any) + FieldSize(resource.Name);

    private static int FieldSize(string value) => TagSize + CodedOutputStream.ComputeStringSize(value);

    private static int FieldSize(ByteString value) => TagSize + CodedOutputStream.ComputeBytesSize(value);

    private static void WriteField(CodedOutputStream output, int number, string value)
    {
        output.WriteTag(number, WireFormat.WireType.LengthDelimited);
        output.WriteString(value);
    }

    private static void WriteField(CodedOutputStream output, int number, ByteString value)
    {
        output.WriteTag(number, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(value);
    }

    private static string NextNonce() =>
        Interlocked.Increment(ref _lastNonce).ToString("x", CultureInfo.InvariantCulture);
}
