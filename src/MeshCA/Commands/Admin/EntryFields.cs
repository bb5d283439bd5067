using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json.Nodes;

namespace MeshCA.Commands.Admin;

/// <summary>The options that make or change an entry. What they hold is checked by the server, all of it at once.</summary>
internal sealed class EntryFields
{
    private readonly Option<string> _spiffeId;
    private readonly Option<string[]> _selectors;
    private readonly Option<string> _parent = new("--parent")
    {
        Description = "The SPIFFE ID of the only agent that may serve it; \"\" for any agent",
    };
    private readonly Option<string> _ttl = new("--ttl")
    {
        Description = "Lifetime of its X509-SVIDs, such as 1h30m; \"\" for the server's default",
    };
    private readonly Option<string> _jwtTtl = new("--jwt-ttl")
    {
        Description = "Lifetime of its JWT-SVIDs; \"\" for the server's default",
    };
    private readonly Option<string[]> _dns = new("--dns")
    {
        Description = "A DNS name for its certificates (repeatable)",
    };
    private readonly Option<string[]> _federatesWith = new("--federates-with")
    {
        Description = "A foreign trust domain whose bundle it is given (repeatable)",
    };
    private readonly Option<string> _hint = new("--hint")
    {
        Description = "Tells a workload with several identities what this one is for",
    };
    private readonly Option<string[]> _labels = new("--label") { Description = "KEY=VALUE, for policies (repeatable)" };

    public EntryFields(bool required)
    {
        _spiffeId = new("--spiffe-id") { Description = "Such as spiffe://example.org/web", Required = required };
        _selectors = new("--selector")
        {
            Description = "Such as unix:uid:1000 (repeatable: a process must have them all)",
            Required = required,
        };
        _labels.Validators.Add(CheckLabels);
    }

    public IEnumerable<Symbol> Symbols =>
        [_spiffeId, _selectors, _ttl, _jwtTtl, _dns, _federatesWith, _hint, _labels, _parent];

    /// <summary>Sets in <paramref name="entry"/> what was given; false if nothing was.</summary>
    public bool Apply(ParseResult args, JsonObject entry)
    {
        var any = SetText(_spiffeId, "spiffeId", emptyIsNull: false);
        any |= SetText(_parent, "parentId", emptyIsNull: true);
        any |= SetText(_ttl, "x509SvidTtl", emptyIsNull: true);
        any |= SetText(_jwtTtl, "jwtSvidTtl", emptyIsNull: true);
        any |= SetText(_hint, "hint", emptyIsNull: false);
        any |= SetList(_selectors, "selectors");
        any |= SetList(_dns, "dnsNames");
        any |= SetList(_federatesWith, "federatesWith");
        if (args.GetResult(_labels) is not null)
        {
            var labels = new JsonObject();
            foreach (var label in args.GetValue(_labels) ?? [])
            {
                if (label.Length > 0)
                {
                    var equals = label.IndexOf('=', StringComparison.Ordinal);
                    labels[label[..equals]] = label[(equals + 1)..];
                }
            }

            entry["labels"] = labels;
            any = true;
        }

        return any;

        bool SetText(Option<string> option, string member, bool emptyIsNull)
        {
            if (args.GetResult(option) is null)
            {
                return false;
            }

            var value = args.GetValue(option);
            entry[member] = emptyIsNull && string.IsNullOrEmpty(value) ? null : value;
            return true;
        }

        bool SetList(Option<string[]> option, string member)
        {
            if (args.GetResult(option) is null)
            {
                return false;
            }

            // One empty value empties the list: --dns "".
            var values = args.GetValue(option) ?? [];
            entry[member] = values is [""] ? [] : new JsonArray([.. values.Select(static v => (JsonNode)v)]);
            return true;
        }
    }

    private static void CheckLabels(OptionResult result)
    {
        foreach (var token in result.Tokens)
        {
            if (token.Value.Length > 0 && token.Value.IndexOf('=', StringComparison.Ordinal) < 1)
            {
                result.AddError($"--label '{token.Value}' is not KEY=VALUE");
            }
        }
    }
}
