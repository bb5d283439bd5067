using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MeshCA.Commands.Admin;

/// <summary>Speaks the admin REST API for one command.</summary>
internal sealed class AdminClient : IDisposable
{
    private const string JsonType = "application/json";
    private const int PageSize = 500;

    /// <summary>A local call takes milliseconds: whoever needs longer is stuck.</summary>
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(10);

    private readonly AdminAddress _address;
    private readonly HttpClient _http;

    public AdminClient(AdminAddress address)
    {
        _address = address;
        var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false };
        if (address.SocketPath is { } path)
        {
            handler.ConnectCallback = (_, ct) => ConnectAsync(path, ct);
        }

        _http = new HttpClient(handler)
        {
            BaseAddress = address.Https ?? new Uri("http://localhost"),
            Timeout = _deadline,
        };
    }

    public Task<AdminReply> GetAsync(string path, CancellationToken ct, string accept = JsonType)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(accept));
        return SendAsync(request, ct);
    }

    public async Task<JsonObject> GetJsonAsync(string path, CancellationToken ct) => (await GetAsync(path, ct)).Json();

    /// <summary>Every item, over all pages.</summary>
    public async Task<JsonArray> ListAsync(string path, string query, CancellationToken ct)
    {
        var all = new JsonArray();
        var token = "";
        do
        {
            var page = await GetJsonAsync(
                $"{path}?pageSize={PageSize}{query}{(token.Length == 0 ? "" : "&pageToken=" + Uri.EscapeDataString(token))}",
                ct
            );
            foreach (var item in page["items"]?.AsArray() ?? [])
            {
                all.Add(item?.DeepClone());
            }

            token = (string?)page["nextPageToken"] ?? "";
        } while (token.Length > 0);

        return all;
    }

    public Task<AdminReply> PostAsync(string path, JsonObject? body, CancellationToken ct)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path);
        if (body is not null)
        {
            request.Content = Json(body.ToJsonString());
        }

        return SendAsync(request, ct);
    }

    public Task<AdminReply> PutAsync(string path, string json, string? ifMatch, CancellationToken ct)
    {
        var request = new HttpRequestMessage(HttpMethod.Put, path) { Content = Json(json) };
        if (ifMatch is not null)
        {
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        }

        return SendAsync(request, ct);
    }

    public Task DeleteAsync(string path, CancellationToken ct) => SendAsync(new(HttpMethod.Delete, path), ct);

    public void Dispose() => _http.Dispose();

    private static StringContent Json(string json) => new(json, Encoding.UTF8, JsonType);

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken ct)
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
    }

    /// <summary>Sends and disposes <paramref name="request"/>; what is not a success ends the command.</summary>
    private async Task<AdminReply> SendAsync(HttpRequestMessage request, CancellationToken ct)
    {
        using (request)
        {
            try
            {
                using var response = await _http.SendAsync(request, ct);
                var body = await response.Content.ReadAsStringAsync(ct);
                return response.IsSuccessStatusCode
                    ? new AdminReply(body, response.Headers.ETag?.ToString())
                    : throw Refused(response.StatusCode, body);
            }
            catch (HttpRequestException e)
            {
                throw new AdminException(Unreachable(e), ExitCodes.Refused, e);
            }
            catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
            {
                throw new AdminException(
                    $"the server at {_address} has not answered within {_deadline.TotalSeconds} s; look at its log",
                    ExitCodes.Refused,
                    e
                );
            }
        }
    }

    private string Unreachable(HttpRequestException e) =>
        (e.InnerException as SocketException)?.SocketErrorCode switch
        {
            SocketError.AccessDenied =>
                $"{_address}: permission denied; run as the server's user, or add your uid to admin.socketUids",
            _ when _address.SocketPath is { } path && !File.Exists(path) =>
                $"{_address}: there is no such socket; start the server (meshca dev or meshca server run) or correct --admin",
            SocketError.ConnectionRefused or SocketError.AddressNotAvailable =>
                $"{_address}: nobody listens there; start the server (meshca dev or meshca server run) or correct --admin",
            _ => $"{_address}: {e.Message}; is the server running, and is this its admin address?",
        };

    /// <summary>The problem document's detail, each of its errors and blockers, and the request id.</summary>
    private static AdminException Refused(HttpStatusCode status, string body)
    {
        JsonObject? problem = null;
        try
        {
            problem = JsonNode.Parse(body) as JsonObject;
        }
        catch (JsonException)
        {
            // Not from our server: the status has to do.
        }

        var text = new StringBuilder((string?)problem?["detail"] ?? $"the server answered {(int)status} {status}");
        foreach (var error in problem?["errors"]?.AsArray() ?? [])
        {
            text.Append("\n  ").Append((string?)error?["pointer"]).Append(": ").Append((string?)error?["reason"]);
        }

        foreach (var blocker in problem?["blockers"]?.AsArray() ?? [])
        {
            text.Append("\n  blocked by ").Append((string?)blocker?["kind"]).Append(' ');
            text.Append((string?)blocker?["id"]).Append(": ").Append((string?)blocker?["reason"]);
        }

        if ((string?)problem?["requestId"] is { } requestId)
        {
            text.Append("\n  request ").Append(requestId);
        }

        return new(text.ToString());
    }
}
