using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OpenTelemetry.Metrics;

namespace MeshCA.Hosting;

/// <summary>The management listener: <c>/healthz</c>, <c>/readyz</c>, <c>/metrics</c>.</summary>
internal static class Management
{
    private const string MetricsPath = "/metrics";

    /// <summary>By name, one by one: a wildcard would load the regular expressions.</summary>
    public static readonly string[] Meters = ["MeshCA.Ca.Issuance", "MeshCA.NodeAgent", "MeshCA.Sds", "System.Runtime"];

    public static void Listen(KestrelServerOptions kestrel, IPEndPoint? endPoint)
    {
        if (endPoint is not null)
        {
            kestrel.Listen(
                endPoint,
                static listen =>
                {
                    listen.Protocols = HttpProtocols.Http1;
                    listen.Mark(Listener.Management);
                }
            );
        }
    }

    /// <summary>Counting costs memory: only a host that is asked for its metrics collects them.</summary>
    public static void AddServices(IServiceCollection services, IPEndPoint? endPoint)
    {
        if (endPoint is not null)
        {
            services.AddOpenTelemetry().WithMetrics(static metrics => metrics.AddMeter(Meters).AddPrometheusExporter());
        }
    }

    public static void Map(IApplicationBuilder app, Func<ReadinessReport> readiness) =>
        app.OnListener(
            Listener.Management,
            branch =>
            {
                if (branch.ApplicationServices.GetService<MeterProvider>() is { } meters)
                {
                    branch.UseOpenTelemetryPrometheusScrapingEndpoint(
                        meters,
                        static context =>
                            context.Request.Path == MetricsPath && HttpMethods.IsGet(context.Request.Method),
                        null,
                        null,
                        null
                    );
                }

                branch.Run(context => AnswerAsync(context, readiness));
            }
        );

    private static Task AnswerAsync(HttpContext context, Func<ReadinessReport> readiness)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
        {
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            context.Response.Headers.Allow = "GET, HEAD";
            return Task.CompletedTask;
        }

        switch (context.Request.Path.Value)
        {
            // Says that the process answers, nothing else: it is what restarts are decided by.
            case "/healthz":
                return WriteAsync(context, StatusCodes.Status200OK, "text/plain", "ok\n"u8.ToArray());
            case "/readyz":
                var report = readiness();
                var status = report.IsReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
                return WriteAsync(context, status, "application/json", ReadinessJson.Write(report));
            default:
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
        }
    }

    private static Task WriteAsync(HttpContext context, int status, string contentType, byte[] body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        context.Response.ContentLength = body.Length;
        context.Response.Headers.CacheControl = "no-store";
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : context.Response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }
}
