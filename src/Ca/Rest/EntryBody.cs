using MeshCA.Ca.Entries;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Rest;

/// <summary>Reads the body of POST and PUT of an entry.</summary>
internal static class EntryBody
{
    /// <summary>The draft, or a 400 with everything that is wrong: with the JSON and with what it says.</summary>
    /// <param name="body">At most <see cref="JsonBody.MaxSize"/>.</param>
    /// <param name="present">
    /// The entry that is replaced: what the server has set may stand in the body, so that an entry that was read can be
    /// sent back, but it cannot be changed.
    /// </param>
    /// <param name="rules">What an entry may say.</param>
    public static EntryDraft Read(ReadOnlyMemory<byte> body, RegistrationEntry? present, EntryRules rules)
    {
        using var document = JsonBody.Parse(body);
        var errors = new FieldErrors();
        var fields = new JsonFields(document.RootElement, "", errors);
        var draft = new EntryDraft
        {
            SpiffeId = fields.Required("spiffeId") ?? "",
            ParentId = fields.String("parentId"),
            Selectors = fields.Strings("selectors", EntryRules.MaxItems, required: true),
            X509SvidTtl = fields.Value("x509SvidTtl", static s => GoDuration.Parse(s)),
            JwtSvidTtl = fields.Value("jwtSvidTtl", static s => GoDuration.Parse(s)),
            DnsNames = fields.Strings("dnsNames", EntryRules.MaxItems),
            FederatesWith = fields.Strings("federatesWith", EntryRules.MaxItems),
            Hint = fields.String("hint") ?? "",
            Labels = fields.Map("labels", EntryRules.MaxItems),
        };
        if (present is not null)
        {
            fields.Unchangeable("id", present.Id);
            fields.Unchangeable("createdAt", Rfc3339.Format(present.CreatedAt));
        }

        fields.End();
        if (!errors.IsEmpty)
        {
            errors.AddNew(rules.Check(draft));
            errors.ThrowIfAny();
        }

        // What the draft says is checked when it is applied: once is enough for a good one.
        return draft;
    }
}
