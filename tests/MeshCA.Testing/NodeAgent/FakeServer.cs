using System.Collections.Concurrent;
using System.Net;
using Google.Protobuf;
using Grpc.Core;
using MeshCA.Protos.V1;
using MeshCA.Spiffe;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MeshCA.Testing.NodeAgent;

/// <summary>Speaks agent.proto over mutual TLS, with knobs for everything that can go wrong. Can be stopped and started again.</summary>
public sealed class FakeServer : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Bundle> _federated = new(StringComparer.Ordinal);
    private readonly List<FakeSyncStream> _streams = [];

    private WebApplication? _app;
    private long _revision = 1;
    private int _nextEntry;

    public FakeServer(string trustDomain = "example.org")
    {
        Ca = new(trustDomain);
        OwnBundle = ToProto(Ca.Bundle);
        ServerId = $"spiffe://{trustDomain}/meshca/server";
    }

    public TestCa Ca { get; }

    public TimeProvider Time { get; set; } = TimeProvider.System;

    public string ServerId { get; set; }

    public int Port { get; private set; }

    public TimeSpan SvidTtl { get; set; } = TimeSpan.FromHours(1);

    public TimeSpan AgentTtl { get; set; } = TimeSpan.FromHours(1);

    public TimeSpan ReportInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Token to the key it was redeemed with; empty while unused.</summary>
    public ConcurrentDictionary<string, byte[]> Tokens { get; } = new(StringComparer.Ordinal) { ["token-1"] = [] };

    /// <summary>Refuses every call of an attested agent.</summary>
    public Status? Refusal { get; set; }

    /// <summary>Attest works but its answer is lost so many times.</summary>
    public int LostAnswers { get; set; }

    /// <summary>Batches wait for this to end.</summary>
    public Task IssueGate { get; set; } = Task.CompletedTask;

    /// <summary>Errors by SPIFFE ID.</summary>
    public ConcurrentDictionary<string, IssueError> IssueErrors { get; } = new(StringComparer.Ordinal);

    /// <summary>Overrides what is issued, by SPIFFE ID: a leaf for another one.</summary>
    public ConcurrentDictionary<string, string> IssueInstead { get; } = new(StringComparer.Ordinal);

    public ConcurrentQueue<AttestRequest> Attests { get; } = [];

    public ConcurrentQueue<RenewRequest> Renewals { get; } = [];

    public ConcurrentQueue<Hello> Hellos { get; } = [];

    public ConcurrentQueue<Report> Reports { get; } = [];

    /// <summary>Sizes of the batches.</summary>
    public ConcurrentQueue<int> Batches { get; } = [];

    /// <summary>The SPIFFE IDs issued, in order.</summary>
    public ConcurrentQueue<string> Issued { get; } = [];

    /// <summary>Serial numbers of the client certificates that calls came with.</summary>
    public ConcurrentQueue<string> CallerSerials { get; } = [];

    public Bundle OwnBundle { get; private set; }

    /// <summary>Attest and Renew answer the real bundle whatever <see cref="OwnBundle"/> is.</summary>
    public bool OwnBundleInSyncOnly { get; set; }

    public string StoreId { get; set; } = "store-1";

    public int SyncStreams
    {
        get
        {
            lock (_lock)
            {
                return _streams.Count;
            }
        }
    }

    public static Bundle ToProto(TrustBundle bundle)
    {
        var proto = new Bundle { TrustDomain = bundle.TrustDomain.Name, Sequence = bundle.SequenceNumber ?? 0 };
        proto.X509Authorities.AddRange(bundle.X509Authorities.Select(a => ByteString.CopyFrom(a.Span)));
        return proto;
    }

    public async Task StartAsync(CancellationToken ct)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddGrpc(o => o.MaxReceiveMessageSize = 16 << 20);
        builder.Services.AddSingleton(this);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(
                IPAddress.Loopback,
                Port,
                listen =>
                {
                    listen.Protocols = HttpProtocols.Http2;
                    listen.UseHttps(
                        new HttpsConnectionAdapterOptions
                        {
                            ServerCertificate = Ca.IssueWithKey(ServerId, Time.GetUtcNow(), TimeSpan.FromDays(1)),
                            ClientCertificateMode = ClientCertificateMode.AllowCertificate,
                            ClientCertificateValidation = static (_, _, _) => true,
                        }
                    );
                }
            )
        );
        _app = builder.Build();
        _app.MapGrpcService<FakeAgentService>();
        await _app.StartAsync(ct);
        Port = new Uri(_app.Urls.Single()).Port;
    }

    /// <summary>As kill -9 looks from outside: every connection breaks.</summary>
    public async Task StopAsync()
    {
        if (_app is { } app)
        {
            _app = null;
            lock (_lock)
            {
                _streams.ForEach(s => s.End());
            }

            using var now = new CancellationTokenSource();
            await now.CancelAsync();
            await app.StopAsync(now.Token);
            await app.DisposeAsync();
        }
    }

    /// <summary>A new entry, pushed to the connected agents.</summary>
    public Entry AddEntry(string spiffeId, params string[] selectors) =>
        AddEntry(e => e.SpiffeId = spiffeId, selectors);

    public Entry AddEntry(Action<Entry> configure, params string[] selectors)
    {
        Entry entry;
        lock (_lock)
        {
            entry = new Entry
            {
                // UUIDv7-like: they sort in the order of their creation.
                Id = $"0190{Interlocked.Increment(ref _nextEntry):x8}-0000-7000-8000-000000000000",
                CreatedAtMs = 1_700_000_000_000 + _nextEntry,
            };
            entry.Selectors.AddRange(selectors);
            configure(entry);
            Put(entry);
        }

        return entry;
    }

    public void UpdateEntry(Entry entry, Action<Entry> change)
    {
        lock (_lock)
        {
            var changed = entry.Clone();
            change(changed);
            Put(changed);
        }
    }

    public void RemoveEntry(string id)
    {
        lock (_lock)
        {
            _entries.Remove(id);
            Push(new() { Revision = ++_revision, RemovedEntryIds = { id } });
        }
    }

    public void SetFederatedBundle(TrustBundle bundle)
    {
        lock (_lock)
        {
            _federated[bundle.TrustDomain.Name] = ToProto(bundle);
            Push(new() { Revision = ++_revision, Bundles = { ToProto(bundle) } });
        }
    }

    public void SetOwnBundle(TrustBundle bundle)
    {
        lock (_lock)
        {
            OwnBundle = ToProto(bundle);
            Push(new() { Revision = ++_revision, Bundles = { OwnBundle } });
        }
    }

    /// <summary>A change that says nothing new.</summary>
    public void PushNothing()
    {
        lock (_lock)
        {
            Push(
                new()
                {
                    Revision = ++_revision,
                    Bundles = { OwnBundle },
                    Upserted = { _entries.Values },
                }
            );
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Ca.Dispose();
    }

    internal Entry? FindEntry(string id)
    {
        lock (_lock)
        {
            return _entries.GetValueOrDefault(id);
        }
    }

    /// <summary>Sends what the agent lacks and adds its stream.</summary>
    internal FakeSyncStream Connect(Hello hello)
    {
        lock (_lock)
        {
            Hellos.Enqueue(hello);
            var stream = new FakeSyncStream();
            if (hello.StoreId != StoreId || hello.Revision != _revision)
            {
                // Two parts, so that the agent must put them together.
                stream.Send(
                    new()
                    {
                        Snapshot = new()
                        {
                            StoreId = StoreId,
                            Revision = _revision,
                            Entries = { _entries.Values },
                        },
                    }
                );
                stream.Send(
                    new()
                    {
                        Snapshot = new()
                        {
                            StoreId = StoreId,
                            Revision = _revision,
                            Bundles = { OwnBundle, _federated.Values },
                            Last = true,
                            ReportIntervalMs = (long)ReportInterval.TotalMilliseconds,
                        },
                    }
                );
            }

            _streams.Add(stream);
            return stream;
        }
    }

    internal void Disconnect(FakeSyncStream stream)
    {
        lock (_lock)
        {
            _streams.Remove(stream);
        }
    }

    private void Put(Entry entry)
    {
        entry.Revision = ++_revision;
        _entries[entry.Id] = entry;
        Push(new() { Revision = _revision, Upserted = { entry } });
    }

    private void Push(Change change) => _streams.ForEach(s => s.Send(new() { Change = change }));
}
