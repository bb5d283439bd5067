using System.Collections.Immutable;

namespace MeshCA.Ca.Rest;

/// <summary>One method of one path.</summary>
/// <param name="Method">GET (which answers HEAD too), POST, PUT or DELETE.</param>
/// <param name="Template">Literal segments, and <c>{name}</c> for one that is a value.</param>
/// <param name="Handler">What answers.</param>
/// <param name="Query">The query parameters that it knows, beside <c>dryRun</c> which every mutation has.</param>
internal sealed record Route(string Method, string Template, ApiHandler Handler, params ImmutableArray<string> Query)
{
    private readonly string[] _segments = Template.Split('/');

    /// <summary>Content types that a body may have.</summary>
    public ImmutableArray<string> ContentTypes { get; init; } = [MediaTypes.Json];

    public bool IsMutation => Method != "GET";

    /// <summary>Compares a percent-decoded path, segment by segment.</summary>
    public bool Matches(ReadOnlySpan<char> path, ref string? value)
    {
        foreach (var (i, segment) in _segments.Index())
        {
            var end = path.IndexOf('/');
            var isLast = i == _segments.Length - 1;
            if (isLast != end < 0)
            {
                return false;
            }

            var part = isLast ? path : path[..end];
            path = isLast ? default : path[(end + 1)..];
            if (segment is ['{', ..] && !part.IsEmpty)
            {
                value = part.ToString();
            }
            else if (!part.SequenceEqual(segment))
            {
                return false;
            }
        }

        return true;
    }
}
