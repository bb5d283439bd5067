using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace MeshCA.EndToEndTests.Parts;

/// <summary>The admin REST API over its Unix socket, spoken without the product's own client.</summary>
internal sealed class AdminApi : IDisposable
{
    private readonly HttpClient _http;

    public AdminApi(string admin)
    {
        var path = admin["unix:".Length..];
        _http = new HttpClient(
            new SocketsHttpHandler
            {
                ConnectCallback = async (_, ct) =>
                {
                    var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    try
                    {
                        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
                        return new NetworkStream(socket, ownsSocket: true);
                    }
                    catch
                    {
                        socket.Dispose();
                        throw;
                    }
                },
            }
        )
        {
            BaseAddress = new("http://localhost"),
            Timeout = TimeSpan.FromSeconds(30),
        };
    }

    public static async Task<string> CreateEntryAsync(
        string admin,
        string spiffeId,
        string selector,
        CancellationToken ct,
        params string[] more
    )
    {
        using var api = new AdminApi(admin);
        var entry = new JsonObject { ["spiffeId"] = spiffeId, ["selectors"] = new JsonArray(selector) };
        foreach (var pair in more)
        {
            var (name, value) = (pair[..pair.IndexOf('=')], pair[(pair.IndexOf('=') + 1)..]);
            entry[name] = JsonNode.Parse(value.StartsWith('[') ? value : $"\"{value}\"");
        }

        return (await api.PostAsync("/v1/entries", entry, ct))["id"]!.GetValue<string>();
    }

    public async Task<JsonObject> PostAsync(string path, JsonObject body, CancellationToken ct)
    {
        using var response = await _http.PostAsJsonAsync(path, body, ct);
        return await ReadAsync(response, ct);
    }

    public async Task<JsonObject> GetAsync(string path, CancellationToken ct)
    {
        using var response = await _http.GetAsync(path, ct);
        return await ReadAsync(response, ct);
    }

    public async Task DeleteAsync(string path, CancellationToken ct)
    {
        using var response = await _http.DeleteAsync(path, ct);
        Assert.True(response.IsSuccessStatusCode, $"DELETE {path}: {(int)response.StatusCode}");
    }

    /// <summary>Every item of a list, over all its pages.</summary>
    public async Task<List<JsonObject>> AllAsync(string path, CancellationToken ct)
    {
        var items = new List<JsonObject>();
        var token = "";
        do
        {
            var separator = path.Contains('?') ? '&' : '?';
            var page = await GetAsync(
                $"{path}{separator}pageSize=500{(token.Length == 0 ? "" : "&pageToken=" + token)}",
                ct
            );
            items.AddRange(page["items"]!.AsArray().Select(static i => i!.AsObject()));
            token = page["nextPageToken"]?.GetValue<string>() ?? "";
        } while (token.Length > 0);

        return items;
    }

    public void Dispose() => _http.Dispose();

    private static async Task<JsonObject> ReadAsync(HttpResponseMessage response, CancellationToken ct)
    {
        var text = await response.Content.ReadAsStringAsync(ct);
        Assert.True(
            response.IsSuccessStatusCode,
            $"{response.RequestMessage!.Method} {response.RequestMessage.RequestUri}: {(int)response.StatusCode} {text}"
        );
        return JsonNode.Parse(text)!.AsObject();
    }
}
