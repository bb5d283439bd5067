using System.Net;
using MeshCA.Ca;
using MeshCA.Ca.Agents;
using MeshCA.Ca.Bundles;
using MeshCA.Ca.Entries;
using MeshCA.Commands;
using MeshCA.Commands.Svid;
using MeshCA.Hosting;
using MeshCA.NodeAgent;
using MeshCA.Signers.Disk;
using MeshCA.Spiffe;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;

namespace MeshCA.Dev;

/// <summary>Server and agent as two hosts of one process, joined by a token that nobody sees.</summary>
internal static class DevMode
{
    private const string Signer = "root";

    private static readonly TimeSpan _firstSvidTimeout = TimeSpan.FromSeconds(60);

    public static async Task<int> RunAsync(
        DevOptions options,
        TextWriter output,
        TextWriter error,
        CancellationToken ct
    )
    {
        try
        {
            using var dir = DevDirectory.Open(options.Dir, options.TrustDomain);
            return await RunAsync(dir, options, output, error, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return ExitCodes.Done;
        }
        catch (Exception e) when (HostRunner.Explain(e) is { } problems)
        {
            foreach (var problem in problems)
            {
                await error.WriteLineAsync("error: " + problem);
            }

            return ExitCodes.Refused;
        }
    }

    private static async Task<int> RunAsync(
        DevDirectory dir,
        DevOptions options,
        TextWriter output,
        TextWriter error,
        CancellationToken ct
    )
    {
        // 1. The server, on a free port.
        await using var server = await RunningHost.StartAsync(
            ServerHost.Build(ServerOptions(dir), options.LogLevel),
            ct
        );

        // 2. What the agent needs to join, and something for it to serve.
        var token = await server.Services.GetRequiredService<JoinTokens>().CreateAsync(ttl: null, dryRun: false, ct);
        await CreateEntryAsync(server.Services.GetRequiredService<EntryRegistry>(), dir.TrustDomain, ct);
        DevDirectory.WritePrivate(dir.Bundle, server.Services.GetRequiredService<BundleRegistry>().Own.ToPem());

        // 3. The agent.
        await using var agent = await RunningHost.StartAsync(
            AgentHost.Build(AgentOptions(dir, Port(server), token), options.LogLevel),
            ct
        );
        await output.WriteLineAsync(Hints(dir));

        // 4. Ready when this user has an identity, asked for as any workload asks.
        using (var client = WorkloadClient.Open(dir.AgentSocket))
        {
            await client.FetchX509SvidAsync(_firstSvidTimeout, ct);
        }

        await output.WriteLineAsync("ready");
        await output.FlushAsync(ct);
        return await HostRunner.WaitAsync([server, agent], error, ct);
    }

    private static ServerOptions ServerOptions(DevDirectory dir) =>
        new()
        {
            TrustDomain = dir.TrustDomain,
            DataDir = dir.Path,
            Listen = new(IPAddress.Loopback, 0),
            Management = null,
            SqlitePath = dir.Store,
            Signers = [new DiskSignerOptions { Name = Signer, Path = dir.RootKey }],
            Authority = new() { RootSigner = Signer, IssuingDirect = true },
        };

    private static AgentOptions AgentOptions(DevDirectory dir, int port, JoinToken token) =>
        new()
        {
            TrustDomain = dir.TrustDomain,
            DataDir = dir.AgentDataDir,
            Server = new(IPAddress.Loopback.ToString(), port),
            TrustBundle = new() { File = dir.Bundle },
            JoinToken = new() { Token = token.Token },
            SocketPath = dir.AgentSocket,
            Management = null,
        };

    private static async Task CreateEntryAsync(EntryRegistry entries, TrustDomain trustDomain, CancellationToken ct)
    {
        var draft = new EntryDraft { SpiffeId = $"{trustDomain.Id}/dev", Selectors = [$"unix:uid:{OwnProcess.Uid}"] };
        try
        {
            await entries.CreateAsync(draft, dryRun: false, ct);
        }
        catch (MeshCaException e) when (e.Kind == ErrorKind.AlreadyExists)
        {
            // From an earlier run.
        }
    }

    private static int Port(RunningHost server) =>
        server
            .Services.GetRequiredService<IServer>()
            .Features.GetRequiredFeature<IServerAddressesFeature>()
            .Addresses.Select(static a =>
                Uri.TryCreate(a, UriKind.Absolute, out var uri) && uri.IsLoopback ? uri.Port : 0
            )
            .First(static port => port > 0);

    private static string Hints(DevDirectory dir) =>
        $"""
            Server and agent of {dir.TrustDomain} run here; everything is in {dir.Path}. In another terminal:
              export MESHCA_ADMIN=unix:{dir.AdminSocket} SPIFFE_ENDPOINT_SOCKET=unix://{dir.AgentSocket}
              meshca svid x509                     your SPIFFE ID and certificate
              meshca bundle show > bundle.pem      what to verify it with
              meshca entry create --spiffe-id {dir.TrustDomain.Id}/web --selector unix:uid:{OwnProcess.Uid}
              meshca svid watch                    every change as it happens
              meshca envoy bootstrap --help        an Envoy that uses your identity
            """;
}
