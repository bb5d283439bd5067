using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace MeshCA.Sds.Grpc;

/// <summary>gRPC over HTTP/2 as far as the discovery services need it.</summary>
/// <remarks>
/// Not through Grpc.AspNetCore: its writer serializes a message for each stream, and a push to 10,000 streams is mostly
/// that. Here a response is one array of bytes for all. See the gRPC over HTTP2 protocol description.
/// </remarks>
internal static class GrpcWire
{
    private const int PrefixLength = 5;
    private const string ContentType = "application/grpc";

    /// <summary>True if the request is a gRPC call; else it has been answered.</summary>
    public static bool Begin(HttpContext context)
    {
        var request = context.Request;
        if (request.ContentType?.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase) != true)
        {
            context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return false;
        }

        if (!HttpProtocol.IsHttp2(request.Protocol))
        {
            context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            return false;
        }

        context.Response.ContentType = ContentType;
        return true;
    }

    /// <summary>The next message; null at the end of the stream, or if <paramref name="input"/>'s read was cancelled.</summary>
    public static async ValueTask<T?> ReadAsync<T>(
        PipeReader input,
        MessageParser<T> parser,
        int maxLength,
        CancellationToken ct
    )
        where T : class, IMessage<T>
    {
        while (true)
        {
            var result = await input.ReadAsync(ct);
            var buffer = result.Buffer;
            if (result.IsCanceled)
            {
                input.AdvanceTo(buffer.Start);
                return null;
            }

            if (TryTake(ref buffer, maxLength, out var message))
            {
                var parsed = Parse(parser, message);
                input.AdvanceTo(buffer.Start);
                return parsed;
            }

            if (result.IsCompleted)
            {
                return buffer.IsEmpty ? null : throw Refuse(StatusCode.Internal, "the last message is cut off");
            }

            input.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    /// <summary>Ends the call; the status travels as a trailer, or as a header if nothing was sent.</summary>
    public static void End(HttpResponse response, StatusCode status, string detail)
    {
        var code = ((int)status).ToString(CultureInfo.InvariantCulture);
        var message = PercentEncode(detail);
        if (!response.HasStarted)
        {
            response.Headers["grpc-status"] = code;
            if (message.Length > 0)
            {
                response.Headers["grpc-message"] = message;
            }

            return;
        }

        response.AppendTrailer("grpc-status", code);
        if (message.Length > 0)
        {
            response.AppendTrailer("grpc-message", message);
        }
    }

    public static RpcException Refuse(StatusCode status, string detail) => new(new Status(status, detail));

    private static bool TryTake(ref ReadOnlySequence<byte> buffer, int maxLength, out ReadOnlySequence<byte> message)
    {
        message = default;
        if (buffer.Length < PrefixLength)
        {
            return false;
        }

        Span<byte> prefix = stackalloc byte[PrefixLength];
        buffer.Slice(0, PrefixLength).CopyTo(prefix);
        if (prefix[0] != 0)
        {
            throw Refuse(StatusCode.Unimplemented, "compressed messages are not supported");
        }

        var length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        if (length > maxLength)
        {
            throw Refuse(
                StatusCode.ResourceExhausted,
                $"a message of {length} bytes is longer than the {maxLength} allowed"
            );
        }

        if (buffer.Length < PrefixLength + length)
        {
            return false;
        }

        message = buffer.Slice(PrefixLength, length);
        buffer = buffer.Slice(message.End);
        return true;
    }

    private static T Parse<T>(MessageParser<T> parser, ReadOnlySequence<byte> message)
        where T : IMessage<T>
    {
        try
        {
            return parser.ParseFrom(message);
        }
        catch (InvalidProtocolBufferException)
        {
            throw Refuse(StatusCode.InvalidArgument, "the request cannot be decoded");
        }
    }

    /// <summary>Percent-encodes as gRPC's Status-Message: printable ASCII but '%' stays.</summary>
    private static string PercentEncode(string detail)
    {
        var encoded = new StringBuilder(detail.Length);
        foreach (var b in Encoding.UTF8.GetBytes(detail))
        {
            if (b is >= 0x20 and <= 0x7e and not (byte)'%')
            {
                encoded.Append((char)b);
            }
            else
            {
                encoded.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
            }
        }

        return encoded.ToString();
    }
}
