using System.Collections.Immutable;
using Microsoft.Net.Http.Headers;

namespace MeshCA.Ca.Rest;

/// <summary>Content types in and out.</summary>
internal static class MediaTypes
{
    public const string Json = "application/json";

    /// <summary>RFC 8555 section 9.1: concatenated PEM certificates.</summary>
    public const string PemChain = "application/pem-certificate-chain";

    /// <summary>What most tools call a PEM file.</summary>
    public const string PemFile = "application/x-pem-file";

    public const string Problem = "application/problem+json";

    /// <summary>Throws a 415 unless <paramref name="contentType"/> is one of <paramref name="accepted"/>, in UTF-8.</summary>
    /// <returns>The content type without parameters.</returns>
    public static string Check(string? contentType, ImmutableArray<string> accepted)
    {
        // The common spelling first: no parsing, no allocation.
        if (contentType == Json && accepted[0] == Json)
        {
            return Json;
        }

        if (MediaTypeHeaderValue.TryParse(contentType, out var parsed))
        {
            foreach (var type in accepted)
            {
                if (parsed.MediaType.Equals(type, StringComparison.OrdinalIgnoreCase))
                {
                    return
                        parsed.Charset.HasValue
                        && !parsed.Charset.Value.AsSpan().Trim('"').Equals("utf-8", StringComparison.OrdinalIgnoreCase)
                        ? throw new ProblemException(
                            ProblemKind.UnsupportedMediaType,
                            $"charset {parsed.Charset} is not supported; send UTF-8"
                        )
                        : type;
                }
            }
        }

        var wanted = string.Join(" or ", accepted);
        throw new ProblemException(
            ProblemKind.UnsupportedMediaType,
            string.IsNullOrEmpty(contentType)
                ? $"the request has a body without a content type; send {wanted}"
                : $"content type '{contentType}' is not supported; send {wanted}"
        );
    }

    /// <summary>Picks the first of <paramref name="offered"/> that the Accept header likes best, or throws a 406.</summary>
    public static string Negotiate(IList<MediaTypeHeaderValue> accept, ImmutableArray<string> offered)
    {
        if (accept.Count == 0)
        {
            return offered[0];
        }

        string? best = null;
        var bestQuality = 0.0;
        foreach (var type in offered)
        {
            var offer = new MediaTypeHeaderValue(type);
            // RFC 9110 section 12.5.1: the most specific range that matches gives the quality.
            var range = accept
                .Where(a => offer.IsSubsetOf(a))
                .OrderBy(a =>
                    a.MatchesAllTypes ? 2
                    : a.MatchesAllSubTypes ? 1
                    : 0
                )
                .FirstOrDefault();
            var quality = range is null ? 0 : range.Quality ?? 1;
            if (quality > bestQuality)
            {
                (best, bestQuality) = (type, quality);
            }
        }

        return best
            ?? throw new ProblemException(
                ProblemKind.NotAcceptable,
                $"there is no acceptable form; ask for {string.Join(" or ", offered)}"
            );
    }
}
