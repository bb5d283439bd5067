using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.Logging;

namespace MeshCA.Sds.Grpc;

/// <summary>Applies <see cref="GrpcErrors"/> to the services of the agent socket that Grpc.AspNetCore hosts.</summary>
public sealed partial class GrpcErrorInterceptor(ILogger<GrpcErrorInterceptor> logger) : Interceptor
{
    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request,
        ServerCallContext context,
        UnaryServerMethod<TRequest, TResponse> continuation
    ) => GuardAsync(() => continuation(request, context), context);

    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        ServerCallContext context,
        ClientStreamingServerMethod<TRequest, TResponse> continuation
    ) => GuardAsync(() => continuation(requestStream, context), context);

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation
    ) =>
        GuardAsync(
            async () =>
            {
                await continuation(request, responseStream, context);
                return true;
            },
            context
        );

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation
    ) =>
        GuardAsync(
            async () =>
            {
                await continuation(requestStream, responseStream, context);
                return true;
            },
            context
        );

    private async Task<T> GuardAsync<T>(Func<Task<T>> call, ServerCallContext context)
    {
        try
        {
            return await call();
        }
        catch (Exception e) when (e is not RpcException)
        {
            // A caller that has gone ends reads and writes with an IOException, sometimes before the call is cancelled.
            if (e is IOException || context.CancellationToken.IsCancellationRequested)
            {
                throw new RpcException(new(StatusCode.Cancelled, "the caller has gone"));
            }

            if (GrpcErrors.IsDefect(e))
            {
                LogFailed(e, context.Method);
            }

            throw new RpcException(GrpcErrors.ToStatus(e));
        }
    }

    [LoggerMessage(LogLevel.Error, "Call of {Method} failed")]
    private partial void LogFailed(Exception e, string method);
}
