using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO.Pipelines;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MeshCA.Ca.AgentApi;

/// <summary>Refuses a unary call by the length that stands before its message, before it is read or parsed, and one whose message does not come.</summary>
internal static class MessageLimit
{
    /// <summary>A CSR of at most 8 KiB and its evidence.</summary>
    public const int MaxUnary = 64 * 1024;

    /// <summary>For the streams: 500 CSRs of at most 8 KiB each, or a long report.</summary>
    public const int MaxStreamed = 8 * 1024 * 1024;

    /// <summary>Anyone may call Attest: a caller who sends nothing must not hold a stream for ever.</summary>
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(10);

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
        var time = context.RequestServices.GetRequiredService<TimeProvider>();
        using var timeout = new CancellationTokenSource(_timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, context.RequestAborted);
        try
        {
            var length = await ReadAsync(context.Request.BodyReader, either.Token);
            if (length > MaxUnary)
            {
                Refuse(context.Response, StatusCode.ResourceExhausted, $"the message is larger than {MaxUnary} bytes");
                return;
            }
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            Refuse(context.Response, StatusCode.DeadlineExceeded, $"no whole message within {_timeout.TotalSeconds} s");
            return;
        }

        await next(context);
    }

    /// <summary>The message's length; all of it is there unless it is too long.</summary>
    private static async Task<uint> ReadAsync(PipeReader reader, CancellationToken ct)
    {
        var length = ReadLength((await reader.ReadAtLeastAsync(PrefixLength, ct)).Buffer, reader);
        if (length <= MaxUnary)
        {
            var result = await reader.ReadAtLeastAsync(PrefixLength + (int)length, ct);
            reader.AdvanceTo(result.Buffer.Start);
        }

        return length;
    }

    /// <summary>0 if the body is too short to have one. Nothing is consumed: gRPC reads it all again.</summary>
    private static uint ReadLength(ReadOnlySequence<byte> buffer, PipeReader reader)
    {
        var length = 0u;
        if (buffer.Length >= PrefixLength)
        {
            Span<byte> prefix = stackalloc byte[PrefixLength];
            buffer.Slice(0, PrefixLength).CopyTo(prefix);
            length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        }

        reader.AdvanceTo(buffer.Start);
        return length;
    }

    private static void Refuse(HttpResponse response, StatusCode code, FormattableString message)
    {
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = ((int)code).ToString(CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = message.ToString(CultureInfo.InvariantCulture);
    }
}
