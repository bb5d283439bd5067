using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using MeshCA.Protos.Workload;

namespace MeshCA.NodeAgent.WorkloadApi;

/// <summary>
/// The Workload API's methods as Grpc.AspNetCore binds them: like generated code, but for the messages that write
/// themselves.
/// </summary>
internal static class WorkloadApiContract
{
    private const string ServiceName = "SpiffeWorkloadAPI";

    private static readonly Method<X509SVIDRequest, X509SvidMessage> _fetchX509Svid = new(
        MethodType.ServerStreaming,
        ServiceName,
        "FetchX509SVID",
        Request(X509SVIDRequest.Parser),
        Answer<X509SvidMessage>(static m => m.Length, static (m, o) => m.WriteTo(o))
    );

    private static readonly Method<X509BundlesRequest, X509BundlesMessage> _fetchX509Bundles = new(
        MethodType.ServerStreaming,
        ServiceName,
        "FetchX509Bundles",
        Request(X509BundlesRequest.Parser),
        Answer<X509BundlesMessage>(static m => m.Length, static (m, o) => m.WriteTo(o))
    );

    private static readonly Method<JWTSVIDRequest, JWTSVIDResponse> _fetchJwtSvid = new(
        MethodType.Unary,
        ServiceName,
        "FetchJWTSVID",
        Request(JWTSVIDRequest.Parser),
        Answer<JWTSVIDResponse>()
    );

    private static readonly Method<JWTBundlesRequest, JWTBundlesResponse> _fetchJwtBundles = new(
        MethodType.ServerStreaming,
        ServiceName,
        "FetchJWTBundles",
        Request(JWTBundlesRequest.Parser),
        Answer<JWTBundlesResponse>()
    );

    private static readonly Method<ValidateJWTSVIDRequest, ValidateJWTSVIDResponse> _validateJwtSvid = new(
        MethodType.Unary,
        ServiceName,
        "ValidateJWTSVID",
        Request(ValidateJWTSVIDRequest.Parser),
        Answer<ValidateJWTSVIDResponse>()
    );

    private static readonly Method<WITSVIDRequest, WITSVIDResponse> _fetchWitSvid = new(
        MethodType.ServerStreaming,
        ServiceName,
        "FetchWITSVID",
        Request(WITSVIDRequest.Parser),
        Answer<WITSVIDResponse>()
    );

    private static readonly Method<WITBundlesRequest, WITBundlesResponse> _fetchWitBundles = new(
        MethodType.ServerStreaming,
        ServiceName,
        "FetchWITBundles",
        Request(WITBundlesRequest.Parser),
        Answer<WITBundlesResponse>()
    );

    /// <summary>Server reflection looks for it by this name.</summary>
    public static ServiceDescriptor Descriptor => SpiffeWorkloadAPI.Descriptor;

    /// <summary>Called by Grpc.AspNetCore, with a null service: it looks the methods up by name.</summary>
    public static void BindService(ServiceBinderBase binder, Service? service)
    {
        binder.AddMethod(_fetchX509Svid, service is null ? null : service.FetchX509SVID);
        binder.AddMethod(_fetchX509Bundles, service is null ? null : service.FetchX509Bundles);
        binder.AddMethod(_fetchJwtSvid, service is null ? null : service.FetchJWTSVID);
        binder.AddMethod(_fetchJwtBundles, service is null ? null : service.FetchJWTBundles);
        binder.AddMethod(_validateJwtSvid, service is null ? null : service.ValidateJWTSVID);
        binder.AddMethod(_fetchWitSvid, service is null ? null : service.FetchWITSVID);
        binder.AddMethod(_fetchWitBundles, service is null ? null : service.FetchWITBundles);
    }

    private static Marshaller<T> Request<T>(MessageParser<T> parser)
        where T : IMessage<T> =>
        Marshallers.Create(
            static (_, _) => throw new NotSupportedException(),
            context =>
            {
                try
                {
                    return parser.ParseFrom(context.PayloadAsReadOnlySequence());
                }
                catch (InvalidProtocolBufferException)
                {
                    throw new RpcException(new(StatusCode.InvalidArgument, "the request cannot be decoded"));
                }
            }
        );

    private static Marshaller<T> Answer<T>()
        where T : IMessage<T> => Answer<T>(static m => m.CalculateSize(), static (m, o) => m.WriteTo(o));

    private static Marshaller<T> Answer<T>(Func<T, int> measure, Action<T, IBufferWriter<byte>> write) =>
        Marshallers.Create<T>(
            (message, context) =>
            {
                context.SetPayloadLength(measure(message));
                write(message, context.GetBufferWriter());
                context.Complete();
            },
            static _ => throw new NotSupportedException()
        );

    /// <summary>What the service implements.</summary>
    [SuppressMessage(
        "Style",
        "VSTHRD200",
        Justification = "Grpc.AspNetCore finds the methods by their names in the proto."
    )]
    [BindServiceMethod(typeof(WorkloadApiContract), nameof(BindService))]
    internal abstract class Service
    {
        public abstract Task FetchX509SVID(
            X509SVIDRequest request,
            IServerStreamWriter<X509SvidMessage> responseStream,
            ServerCallContext context
        );

        public abstract Task FetchX509Bundles(
            X509BundlesRequest request,
            IServerStreamWriter<X509BundlesMessage> responseStream,
            ServerCallContext context
        );

        public abstract Task<JWTSVIDResponse> FetchJWTSVID(JWTSVIDRequest request, ServerCallContext context);

        public abstract Task FetchJWTBundles(
            JWTBundlesRequest request,
            IServerStreamWriter<JWTBundlesResponse> responseStream,
            ServerCallContext context
        );

        public abstract Task<ValidateJWTSVIDResponse> ValidateJWTSVID(
            ValidateJWTSVIDRequest request,
            ServerCallContext context
        );

        public abstract Task FetchWITSVID(
            WITSVIDRequest request,
            IServerStreamWriter<WITSVIDResponse> responseStream,
            ServerCallContext context
        );

        public abstract Task FetchWITBundles(
            WITBundlesRequest request,
            IServerStreamWriter<WITBundlesResponse> responseStream,
            ServerCallContext context
        );
    }
}
