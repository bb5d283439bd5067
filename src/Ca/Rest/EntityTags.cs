using System.Globalization;
using Microsoft.Net.Http.Headers;

namespace MeshCA.Ca.Rest;

/// <summary>The If-Match or If-None-Match header of one request.</summary>
internal sealed class EntityTags
{
    private readonly IList<EntityTagHeaderValue> _tags;

    private EntityTags(IList<EntityTagHeaderValue> tags) => _tags = tags;

    public static string OfRevision(long revision) => string.Create(CultureInfo.InvariantCulture, $"\"{revision}\"");

    /// <summary>Null where the header is absent; a 400 where it cannot be read.</summary>
    public static EntityTags? Parse(string name, IReadOnlyCollection<string?> values) =>
        values.Count == 0 ? null
        : EntityTagHeaderValue.TryParseStrictList([.. values.OfType<string>()], out var tags) ? new(tags)
        : throw new ProblemException(ProblemKind.Malformed, $"the {name} header is not a list of entity tags")
        {
            Errors = [new($"{name}:", "is not a list of entity tags, such as \"12\"")],
        };

    /// <summary>It says <c>*</c>: any that exists.</summary>
    public bool IsAny => _tags.Any(static t => t.Tag == "*");

    /// <summary>If-Match uses the strong comparison, If-None-Match the weak one (RFC 9110 section 8.8.3.2).</summary>
    public bool Contains(string etag, bool strong)
    {
        var current = EntityTagHeaderValue.Parse(etag);
        return _tags.Any(t => t.Tag == "*" || t.Compare(current, strong));
    }

    /// <summary>Throws a 412 when <paramref name="etag"/> is not among the tags.</summary>
    public void Demand(string etag)
    {
        if (!Contains(etag, strong: true))
        {
            throw new ProblemException(
                ProblemKind.PreconditionFailed,
                $"the resource is now at ETag {etag}; read it again and repeat the change"
            );
        }
    }
}
