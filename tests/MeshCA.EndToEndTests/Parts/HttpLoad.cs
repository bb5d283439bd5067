using System.Diagnostics;

namespace MeshCA.EndToEndTests.Parts;

/// <summary>A steady HTTP load through an Envoy's egress: counts what came back, keeps the first failures.</summary>
internal sealed class HttpLoad : IAsyncDisposable
{
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(10);

    private readonly CancellationTokenSource _stop = new();
    private readonly HttpClient _http;
    private readonly Task _loop;
    private readonly List<string> _failures = [];

    public HttpLoad(int port, string expected)
    {
        _http = new() { BaseAddress = new($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(10) };
        _loop = RunAsync(expected, _stop.Token);
    }

    public int Requests { get; private set; }

    public IReadOnlyList<string> Failures => _failures;

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
        _http.Dispose();
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _loop;
    }

    private async Task RunAsync(string expected, CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        while (!ct.IsCancellationRequested)
        {
            try
            {
                // A request that is under way is finished even when the load stops: no failure of our own making.
                using var response = await _http.GetAsync("/", CancellationToken.None);
                var body = await response.Content.ReadAsStringAsync(CancellationToken.None);
                if (!response.IsSuccessStatusCode || !body.StartsWith(expected, StringComparison.Ordinal))
                {
                    _failures.Add($"{clock.Elapsed}: {(int)response.StatusCode} {body}");
                }
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                _failures.Add($"{clock.Elapsed}: {e.Message}");
            }

            Requests++;
            await Task.Delay(_interval, TimeProvider.System, CancellationToken.None);
        }
    }
}
