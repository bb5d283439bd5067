using System.IO.Pipelines;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using MeshCA.Protos.Envoy.Service.Discovery.V3;
using MeshCA.Sds.Grpc;
using MeshCA.Sds.Resources;
using MeshCA.Sds.Secrets;
using MeshCA.Sds.Streams;
using MeshCA.Spiffe;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshCA.Sds;

/// <summary>Envoy's secret discovery service over an <see cref="ISecretSource"/>.</summary>
public sealed partial class SecretServer
{
    /// <summary>The first message of an Envoy's stream is 61 kB: its node lists every extension it was built with.</summary>
    private const int MaxRequestLength = 1024 * 1024;

    private static readonly MessageParser<DiscoveryRequest> _sotwParser =
        DiscoveryRequest.Parser.WithDiscardUnknownFields(discardUnknownFields: true);

    private static readonly MessageParser<DeltaDiscoveryRequest> _deltaParser =
        DeltaDiscoveryRequest.Parser.WithDiscardUnknownFields(discardUnknownFields: true);

    private readonly Lock _gate = new();
    private readonly Dictionary<ISecretFeed, FeedHub> _hubs = new(ReferenceEqualityComparer.Instance);
    private readonly ISecretSource _source;
    private readonly SdsOptions _options;
    private readonly InvalidSecretReporter _reporter;
    private readonly CancellationToken _stopping;
    private readonly ILogger _logger;

    internal SecretServer(
        ISecretSource source,
        SdsOptions options,
        InvalidSecretReporter reporter,
        IHostApplicationLifetime lifetime,
        ILogger<SecretServer> logger
    )
    {
        _source = source;
        _options = options;
        _reporter = reporter;
        _stopping = lifetime.ApplicationStopping;
        _logger = logger;
    }

    /// <summary>Where the streams that are open now stand. An ACK counts for the names with content that it answers.</summary>
    public SdsStatus GetStatus()
    {
        FeedHub[] hubs;
        lock (_gate)
        {
            hubs = [.. _hubs.Values];
        }

        var status = new SdsStatusBuilder();
        foreach (var hub in hubs)
        {
            hub.Report(status);
        }

        return status.Build();
    }

    internal Task StreamAsync(HttpContext context) =>
        CallAsync(
            context,
            static (server, context, hub) =>
            {
                var stream = new SotwStream(hub, server._options, context.Response.BodyWriter, server._logger);
                return server.ServeAsync(context, stream, _sotwParser, stream.Handle);
            }
        );

    internal Task DeltaAsync(HttpContext context) =>
        CallAsync(
            context,
            static (server, context, hub) =>
            {
                var stream = new DeltaStream(hub, server._options, context.Response.BodyWriter, server._logger);
                return server.ServeAsync(context, stream, _deltaParser, stream.Handle);
            }
        );

    internal Task FetchAsync(HttpContext context) =>
        CallAsync(context, static (server, context, hub) => server.AnswerAsync(context, hub));

    /// <summary>1. Attest the caller. 2. Serve the call. 3. End it with its status.</summary>
    private async Task CallAsync(HttpContext context, Func<SecretServer, HttpContext, FeedHub, Task> serve)
    {
        if (!GrpcWire.Begin(context))
        {
            return;
        }

        try
        {
            var hub = Hold(await AttestAsync(context));
            try
            {
                await serve(this, context, hub);
            }
            finally
            {
                Release(hub);
            }

            GrpcWire.End(context.Response, StatusCode.OK, "");
        }
        catch (Exception e)
            when (e is IOException
                || (e is OperationCanceledException && context.RequestAborted.IsCancellationRequested)
            )
        {
            // The client has gone, which a read or write may learn before the request is aborted: nobody is left to be told.
        }
        catch (Exception e)
        {
            if (GrpcErrors.IsDefect(e))
            {
                LogFailed(e, context.Request.Path);
            }

            var status = GrpcErrors.ToStatus(e);
            GrpcWire.End(context.Response, status.StatusCode, status.Detail);
        }
    }

    private async ValueTask<ISecretFeed> AttestAsync(HttpContext context)
    {
        try
        {
            return await _source.AttestAsync(context, context.RequestAborted);
        }
        catch (Exception e) when (e is not (MeshCaException or RpcException or OperationCanceledException))
        {
            throw new MeshCaException(ErrorKind.Unavailable, "workload attestation failed", e);
        }
    }

    private async Task ServeAsync<T>(
        HttpContext context,
        DiscoveryStream stream,
        MessageParser<T> parser,
        Action<T> handle
    )
        where T : class, IMessage<T>
    {
        var input = context.Request.BodyReader;
        SdsMetrics.Streams.Add(1);
        try
        {
            using var stop = _stopping.UnsafeRegister(static i => ((PipeReader)i!).CancelPendingRead(), input);

            // Sends the headers: a client may wait for them, and the first response may be long in coming.
            await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
            while (await GrpcWire.ReadAsync(input, parser, MaxRequestLength, context.RequestAborted) is { } request)
            {
                handle(request);
            }
        }
        finally
        {
            SdsMetrics.Streams.Add(-1);
            await stream.EndAsync();
        }

        if (_stopping.IsCancellationRequested)
        {
            throw GrpcWire.Refuse(StatusCode.Unavailable, "the agent is stopping");
        }
    }

    private async Task AnswerAsync(HttpContext context, FeedHub hub)
    {
        var input = context.Request.BodyReader;
        var request =
            await GrpcWire.ReadAsync(input, _sotwParser, MaxRequestLength, context.RequestAborted)
            ?? throw GrpcWire.Refuse(StatusCode.Internal, "the request is missing");
        DiscoveryStream.CheckType(request.TypeUrl);
        var node = request.Node is null ? NodeFacts.Unknown(_options) : NodeFacts.Of(request.Node, _options);
        var names = request.ResourceNames.Where(n => n.Length > 0).ToList();
        var key = new ViewKey(names.Count == 0, names, node.PlainRoots);
        SecretNames.Check(key, _options);
        var selection =
            hub.Select(key)
            ?? throw GrpcWire.Refuse(StatusCode.Unavailable, "the agent is not in sync with its server yet");
        if (selection.Resources.Length == 0)
        {
            throw SecretNames.NotAuthorized(key);
        }

        var response = new DiscoveryResponse { TypeUrl = request.TypeUrl };
        response.Resources.AddRange(selection.Resources.Select(r => Any.Parser.ParseFrom(r.Any)));
        await context.Response.BodyWriter.WriteAsync(ResponseEncoder.Frame(response), context.RequestAborted);
    }

    private FeedHub Hold(ISecretFeed feed)
    {
        lock (_gate)
        {
            if (!_hubs.TryGetValue(feed, out var hub))
            {
                _hubs[feed] = hub = new FeedHub(feed, _options, _reporter, _logger);
            }

            hub.Holders++;
            return hub;
        }
    }

    private void Release(FeedHub hub)
    {
        lock (_gate)
        {
            if (--hub.Holders == 0)
            {
                _hubs.Remove(hub.Feed);
                hub.Dispose();
            }
        }
    }

    [LoggerMessage(LogLevel.Error, "Call of {Method} failed")]
    private partial void LogFailed(Exception e, string method);
}
