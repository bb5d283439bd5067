using System.Text;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Node;

/// <summary>The trust bundle that the configuration names, for the first contact.</summary>
internal sealed class BootstrapBundle(AgentOptions options)
{
    /// <summary>A bundle of some hundred roots; more is not one.</summary>
    private const int MaxLength = 1 << 20;

    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(10);

    /// <summary>Null for <c>insecureBootstrap</c>.</summary>
    /// <exception cref="MeshCaException">It cannot be had or is not a bundle.</exception>
    public async Task<TrustBundle?> ReadAsync(CancellationToken ct)
    {
        var source = options.TrustBundle;
        if (source is { File: null, Url: null })
        {
            return null;
        }

        var name = source.File ?? source.Url!.ToString();
        try
        {
            return Parse(
                source.File is { } file ? await ReadFileAsync(file, ct) : await DownloadAsync(source.Url!, ct)
            );
        }
        catch (Exception e)
            when (e
                    is IOException
                        or UnauthorizedAccessException
                        or HttpRequestException
                        or FormatException
                        or MeshCaException
            )
        {
            throw new MeshCaException(
                ErrorKind.Unavailable,
                $"trust bundle {name} cannot be used: {e.Message.TrimEnd('.')}; it must be PEM certificates or a SPIFFE bundle document",
                e
            );
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new MeshCaException(ErrorKind.Unavailable, $"trust bundle {name} did not come within {_timeout}");
        }
    }

    private static async Task<string> ReadFileAsync(string path, CancellationToken ct) =>
        new FileInfo(path).Length <= MaxLength
            ? await File.ReadAllTextAsync(path, ct)
            : throw new FormatException($"it is longer than {MaxLength} bytes");

    private static async Task<string> DownloadAsync(Uri url, CancellationToken ct)
    {
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false };
        using var client = new HttpClient(handler) { Timeout = _timeout, MaxResponseContentBufferSize = MaxLength };
        return Encoding.UTF8.GetString(await client.GetByteArrayAsync(url, ct));
    }

    private TrustBundle Parse(string text) =>
        text.AsSpan().TrimStart().StartsWith('{')
            ? SpiffeBundleJson.Parse(options.TrustDomain, Encoding.UTF8.GetBytes(text))
            : TrustBundle.ParsePem(options.TrustDomain, text);
}
