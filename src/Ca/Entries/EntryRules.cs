using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Entries;

/// <summary>Turns a draft into a valid entry, or says all that is wrong with it.</summary>
public sealed class EntryRules(ServerOptions options)
{
    public const int MaxHintBytes = 1024;

    /// <summary>Bounds what one entry costs the server, its agents and a certificate.</summary>
    public const int MaxItems = 64;

    private const string ReservedPath = "/meshca";
    private const int MaxLabelKey = 317;
    private const int MaxLabelValue = 256;

    /// <summary>Below this an agent would renew faster than a slow network answers.</summary>
    public static readonly TimeSpan MinTtl = TimeSpan.FromSeconds(5);

    /// <summary>An issuing authority lives at least three times as long as the longest leaf.</summary>
    public TimeSpan MaxTtl { get; } =
        (options.Authority.IssuingDirect ? options.Authority.RootTtl : options.Authority.IntermediateTtl) / 3;

    /// <summary>Everything that is wrong with <paramref name="draft"/>; empty if it is good.</summary>
    public ImmutableArray<FieldError> Check(EntryDraft draft) => new Reading(options, MaxTtl).Read(draft, out _);

    /// <summary>Throws Malformed with all errors.</summary>
    internal RegistrationEntry Apply(EntryDraft draft, string id, DateTimeOffset createdAt)
    {
        var errors = new Reading(options, MaxTtl).Read(draft, out var entry);
        if (errors.IsEmpty)
        {
            return entry with { Id = id, CreatedAt = createdAt };
        }

        var all = string.Join("; ", errors.Select(error => $"{error.JsonPointer}: {error.Reason}"));
        throw new MeshCaException(ErrorKind.Malformed, $"entry not valid: {all}") { Errors = errors };
    }

    private sealed class Reading(ServerOptions options, TimeSpan maxTtl)
    {
        private readonly ImmutableArray<FieldError>.Builder _errors = ImmutableArray.CreateBuilder<FieldError>();

        public ImmutableArray<FieldError> Read(EntryDraft draft, out RegistrationEntry entry)
        {
            entry = new RegistrationEntry
            {
                Id = "",
                CreatedAt = default,
                Revision = 0,
                SpiffeId = ReadSpiffeId(draft.SpiffeId),
                ParentId = ReadParentId(draft.ParentId),
                Selectors = ReadSelectors(draft.Selectors),
                X509SvidTtl = ReadTtl("/x509SvidTtl", draft.X509SvidTtl),
                JwtSvidTtl = ReadTtl("/jwtSvidTtl", draft.JwtSvidTtl),
                DnsNames = ReadDnsNames(draft.DnsNames),
                FederatesWith = ReadFederatesWith(draft.FederatesWith),
                Hint = ReadHint(draft.Hint),
                Labels = ReadLabels(draft.Labels),
            };
            return _errors.DrainToImmutable();
        }

        private SpiffeId ReadSpiffeId(string text)
        {
            if (!TryParse("/spiffeId", text, out var id))
            {
                return default;
            }

            if (id.TrustDomain != options.TrustDomain)
            {
                Add("/spiffeId", $"trust domain {id.TrustDomain} is not ours, {options.TrustDomain}");
            }
            else if (id.Path.IsEmpty)
            {
                Add("/spiffeId", $"a workload's SPIFFE ID has a path, such as {id}/web");
            }
            else if (IsReserved(id))
            {
                Add("/spiffeId", $"paths under {ReservedPath} are reserved; choose another");
            }

            return id;
        }

        private SpiffeId? ReadParentId(string? text)
        {
            if (text is null)
            {
                if (options.RequireParent)
                {
                    Add("/parentId", "the server requires a parent; name the agent that may serve the entry");
                }

                return null;
            }

            if (
                TryParse("/parentId", text, out var id)
                && (id.TrustDomain != options.TrustDomain || !ReservedIds.IsAgent(id))
            )
            {
                Add(
                    "/parentId",
                    $"'{text}' is not an agent's SPIFFE ID, spiffe://{options.TrustDomain}{ReservedPath}/agent/…; null = any agent"
                );
            }

            return id;
        }

        private ImmutableArray<Selector> ReadSelectors(IReadOnlyList<string> texts)
        {
            if (texts.Count == 0)
            {
                Add("/selectors", "at least one selector is needed, such as unix:uid:1000");
            }

            return [.. Read("/selectors", texts, text => Selector.Parse(text)).Distinct().Order()];
        }

        private TimeSpan? ReadTtl(string pointer, TimeSpan? ttl)
        {
            if (ttl is { } value && (value < MinTtl || value > maxTtl))
            {
                Add(
                    pointer,
                    $"{value:c} is outside {MinTtl:c} to {maxTtl:c}, a third of the issuing authority's lifetime; null = the default"
                );
            }

            return ttl;
        }

        private ImmutableArray<string> ReadDnsNames(IReadOnlyList<string> texts) =>
            [.. Read("/dnsNames", texts, text => DnsName.Parse(text).ToString()).Distinct(StringComparer.Ordinal)];

        private ImmutableArray<TrustDomain> ReadFederatesWith(IReadOnlyList<string> texts) =>
            [
                .. Read(
                        "/federatesWith",
                        texts,
                        text =>
                            TrustDomain.Parse(text) is var trustDomain && trustDomain == options.TrustDomain
                                ? throw new FormatException(
                                    $"{text} is our own trust domain, which needs no federation"
                                )
                                : trustDomain
                    )
                    .Distinct()
                    .Order(),
            ];

        private string ReadHint(string hint)
        {
            if (Encoding.UTF8.GetByteCount(hint) > MaxHintBytes)
            {
                Add("/hint", $"longer than {MaxHintBytes} bytes");
            }
            else if (hint.Any(char.IsControl))
            {
                Add("/hint", "it has a control character");
            }

            return hint;
        }

        private ImmutableSortedDictionary<string, string> ReadLabels(IReadOnlyDictionary<string, string> labels)
        {
            if (labels.Count > MaxItems)
            {
                Add("/labels", $"more than {MaxItems}");
            }

            foreach (var (key, value) in labels)
            {
                if (key.Length is 0 or > MaxLabelKey || key.Any(char.IsControl))
                {
                    Add("/labels/" + Escape(key), $"a key has 1 to {MaxLabelKey} characters and no control character");
                }

                if (value.Length > MaxLabelValue || value.Any(char.IsControl))
                {
                    Add(
                        "/labels/" + Escape(key),
                        $"a value has at most {MaxLabelValue} characters and no control character"
                    );
                }
            }

            return labels.ToImmutableSortedDictionary(StringComparer.Ordinal);
        }

        private List<T> Read<T>(string pointer, IReadOnlyList<string> texts, Func<string, T> parse)
        {
            var items = new List<T>(texts.Count);
            if (texts.Count > MaxItems)
            {
                Add(pointer, $"more than {MaxItems}");
                return items;
            }

            for (var i = 0; i < texts.Count; i++)
            {
                try
                {
                    items.Add(parse(texts[i]));
                }
                catch (FormatException e)
                {
                    Add(string.Create(CultureInfo.InvariantCulture, $"{pointer}/{i}"), e.Message);
                }
            }

            return items;
        }

        private bool TryParse(string pointer, string text, out SpiffeId id)
        {
            try
            {
                id = SpiffeId.Parse(text);
                return true;
            }
            catch (FormatException e)
            {
                Add(pointer, e.Message);
                id = default;
                return false;
            }
        }

        private static bool IsReserved(SpiffeId id) =>
            id.Path.Equals(ReservedPath, StringComparison.Ordinal)
            || id.Path.StartsWith(ReservedPath + "/", StringComparison.Ordinal);

        private void Add(string pointer, string reason) => _errors.Add(new(pointer, reason));

        /// <summary>RFC 6901 section 3.</summary>
        private static string Escape(string key) =>
            key.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
    }
}
