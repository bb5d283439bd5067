using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace MeshCA.Ca.AgentApi;

/// <summary>Refuses a unary call by the length that stands before its message, so that nothing of it is read or parsed.</summary>
internal static class MessageLimit
{
    /// <summary>A CSR of at most 8 KiB and its evidence.</summary>
    public const int MaxUnary = 64 * 1024;

    /// <summary>For the streams: 500 CSRs of at most 8 KiB each, or a long report.</summary>
    public const int MaxStreamed = 8 * 1024 * 1024;

    /// <summary>One byte of flags and four of length (gRPC over HTTP2, "Length-Prefixed-Message").</summary>
    private const int PrefixLength = 5;

    /// <summary>To an endpoint of the agent API.</summary>
    public static void Apply(EndpointBuilder endpoint)
    {
        if (
            endpoint.RequestDelegate is { } next
            && endpoint.Metadata.OfType<GrpcMethodMetadata>().Any(method => method.Method.Type == MethodType.Unary)
        )
        {
            endpoint.RequestDelegate = context => InvokeAsync(context, next);
        }
    }

    private static async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (await ReadLengthAsync(context) > MaxUnary)
        {
            context.Response.ContentType = "application/grpc";
            context.Response.Headers["grpc-status"] = ((int)StatusCode.ResourceExhausted).ToString(
                CultureInfo.InvariantCulture
            );
            context.Response.Headers["grpc-message"] = string.Create(
                CultureInfo.InvariantCulture,
                $"the message is larger than {MaxUnary} bytes"
            );
            return;
        }

        await next(context);
    }

    /// <summary>0 if the body is too short to have one.</summary>
    private static async Task<uint> ReadLengthAsync(HttpContext context)
    {
        var reader = context.Request.BodyReader;
        var result = await reader.ReadAtLeastAsync(PrefixLength, context.RequestAborted);
        var length = Read(result.Buffer);

        // Nothing is consumed: gRPC reads it all again.
        reader.AdvanceTo(result.Buffer.Start, result.Buffer.Start);
        return length;
    }

    private static uint Read(ReadOnlySequence<byte> buffer)
    {
        if (buffer.Length < PrefixLength)
        {
            return 0;
        }

        Span<byte> prefix = stackalloc byte[PrefixLength];
        buffer.Slice(0, PrefixLength).CopyTo(prefix);
        return BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
    }
}
