using Grpc.Core;
using Grpc.Core.Interceptors;
using MeshCA.Spiffe;
using Microsoft.Extensions.Logging;

namespace MeshCA.Ca.AgentApi;

/// <summary>Turns what a call throws into its gRPC status.</summary>
internal sealed partial class ErrorInterceptor(ILogger<ErrorInterceptor> logger) : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request,
        ServerCallContext context,
        UnaryServerMethod<TRequest, TResponse> continuation
    )
    {
        try
        {
            return await continuation(request, context);
        }
        catch (Exception e)
        {
            throw Translate(e, context);
        }
    }

    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation
    )
    {
        try
        {
            await continuation(requestStream, responseStream, context);
        }
        catch (Exception e)
        {
            throw Translate(e, context);
        }
    }

    private RpcException Translate(Exception e, ServerCallContext context)
    {
        switch (e)
        {
            case RpcException rpc:
                return rpc;
            case MeshCaException { Kind: not ErrorKind.Internal } expected:
                LogRefused(context.Method, context.Peer, expected.Kind, expected.Message);
                return new(GrpcErrors.ToStatus(expected));
            // The caller has gone: it also ends reads and writes with an IOException.
            case var _ when context.CancellationToken.IsCancellationRequested:
                return new(new(StatusCode.Cancelled, "the call was cancelled"));
            default:
                LogFailed(e, context.Method, context.Peer);
                return new(new(StatusCode.Internal, GrpcErrors.InternalText));
        }
    }

    [LoggerMessage(LogLevel.Debug, "{Method} of {Peer} refused, {Kind}: {Reason}")]
    private partial void LogRefused(string method, string peer, ErrorKind kind, string reason);

    [LoggerMessage(LogLevel.Error, "{Method} of {Peer} failed")]
    private partial void LogFailed(Exception e, string method, string peer);
}
