using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Grpc.Core;
using Grpc.Net.Client;
using MeshCA.Protos.Workload;
using MeshCA.Spiffe;

namespace MeshCA.Commands.Svid;

/// <summary>The Workload API as a client sees it, for one command.</summary>
internal sealed class WorkloadClient : IDisposable
{
    public const string Variable = WorkloadEndpointAddress.EnvironmentVariable;
    public const string UsualSocket = "/run/meshca/agent.sock";

    /// <summary>A workload may have thousands of identities: the usual 4 MiB are too few.</summary>
    private const int MaxMessage = 256 << 20;

    /// <summary>SPIFFE_Workload_API section 3: without it a request is refused.</summary>
    private static readonly Metadata _headers = [new("workload.spiffe.io", "true")];

    private readonly string _socket;
    private readonly GrpcChannel _channel;
    private readonly SpiffeWorkloadAPI.SpiffeWorkloadAPIClient _api;

    private WorkloadClient(string socket, EndPoint endPoint)
    {
        _socket = socket;
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = (_, ct) => ConnectAsync(endPoint, ct),
        };
        _channel = GrpcChannel.ForAddress(
            "http://localhost",
            new()
            {
                HttpHandler = handler,
                DisposeHttpClient = true,
                MaxReceiveMessageSize = MaxMessage,
            }
        );
        _api = new(_channel);
    }

    /// <summary>From <c>--socket</c>, else the environment, else the usual place.</summary>
    /// <exception cref="UsageException">Nobody says where, or what is said is no address.</exception>
    public static WorkloadClient Open(string? option) =>
        Open(option, Environment.GetEnvironmentVariable(Variable), File.Exists(UsualSocket));

    internal static WorkloadClient Open(string? option, string? variable, bool usualExists)
    {
        var (text, source) =
            !string.IsNullOrEmpty(option) ? (option, "--socket")
            : !string.IsNullOrEmpty(variable) ? (variable, Variable)
            : usualExists ? (UsualSocket, "")
            : throw new UsageException($"no agent: name its socket with --socket PATH or in {Variable}");
        try
        {
            // A bare path is what people have at hand; the environment variable is an address by its standard.
            var address =
                source == "--socket" && !text.Contains(':', StringComparison.Ordinal)
                    ? WorkloadEndpointAddress.Parse("unix:" + Escape(Path.GetFullPath(text)))
                    : WorkloadEndpointAddress.Parse(source.Length == 0 ? "unix:" + text : text);
            return address.SocketPath is { } path
                ? new(path, new UnixDomainSocketEndPoint(path))
                : new(address.ToString(), address.EndPoint!);
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            throw new UsageException($"{source}: {e.Message}");
        }
    }

    /// <summary>The first answer.</summary>
    public async Task<X509SVIDResponse> FetchX509SvidAsync(TimeSpan timeout, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(timeout);
        try
        {
            await foreach (var answer in WatchX509SvidAsync(limit.Token))
            {
                return answer;
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new MeshCaException(
                ErrorKind.Unavailable,
                $"{_socket}: no identity within {GoDuration.Format(timeout)}; is the agent in contact with its server (look at its log), or give it --timeout"
            );
        }

        throw new MeshCaException(ErrorKind.Unavailable, $"{_socket}: the agent ended the stream; try again");
    }

    /// <summary>Every answer of one stream, until it ends.</summary>
    /// <exception cref="MeshCaException">The stream failed; the kind is the agent's.</exception>
    public async IAsyncEnumerable<X509SVIDResponse> WatchX509SvidAsync([EnumeratorCancellation] CancellationToken ct)
    {
        using var call = _api.FetchX509SVID(new(), _headers, cancellationToken: ct);
        while (await NextAsync(call.ResponseStream, ct))
        {
            yield return call.ResponseStream.Current;
        }
    }

    public void Dispose() => _channel.Dispose();

    private static string Escape(string path) => string.Join('/', path.Split('/').Select(Uri.EscapeDataString));

    private static async ValueTask<Stream> ConnectAsync(EndPoint endPoint, CancellationToken ct)
    {
        var socket = new Socket(
            endPoint.AddressFamily,
            SocketType.Stream,
            endPoint.AddressFamily == AddressFamily.Unix ? ProtocolType.Unspecified : ProtocolType.Tcp
        );
        try
        {
            await socket.ConnectAsync(endPoint, ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<bool> NextAsync(IAsyncStreamReader<X509SVIDResponse> stream, CancellationToken ct)
    {
        try
        {
            return await stream.MoveNext(ct);
        }
        catch (RpcException e) when (ct.IsCancellationRequested)
        {
            throw new OperationCanceledException(e.Message, e, ct);
        }
        catch (RpcException e)
        {
            throw Explain(e);
        }
    }

    private MeshCaException Explain(RpcException e)
    {
        var cause = e.Status.DebugException;
        while (cause is not null and not SocketException)
        {
            cause = cause.InnerException;
        }

        return (e.StatusCode, (cause as SocketException)?.SocketErrorCode) switch
        {
            (_, SocketError.AccessDenied) => new(
                ErrorKind.Unavailable,
                $"{_socket}: this user may not connect; every folder above the socket must let others through (0755)"
            ),
            (_, { }) => new(
                ErrorKind.Unavailable,
                $"{_socket}: no agent answers there; start one (meshca dev or meshca agent run) or correct --socket"
            ),
            (StatusCode.PermissionDenied, _) => new(
                ErrorKind.PermissionDenied,
                $"{e.Status.Detail}: no entry matches this process; meshca entry create --spiffe-id ID --selector unix:uid:UID makes one"
            ),
            (StatusCode.Unavailable, _) => new(ErrorKind.Unavailable, $"{_socket}: {e.Status.Detail}"),
            _ => new(ErrorKind.Malformed, $"{_socket}: {e.StatusCode}: {e.Status.Detail}"),
        };
    }
}
