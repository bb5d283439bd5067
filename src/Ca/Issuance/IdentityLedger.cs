using System.Globalization;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Issuance;

/// <summary>Looks certificates up that were issued.</summary>
public sealed class IdentityLedger(IIssuanceLedger ledger)
{
    /// <summary>In the order of issue; <paramref name="after"/> is a page's <see cref="Page{T}.Next"/>, or null for the first.</summary>
    public async Task<Page<IssuedIdentity>> ListAsync(
        IdentityFilter filter,
        int pageSize,
        string? after,
        CancellationToken ct
    )
    {
        long sequence = 0;
        if (after is not null && !long.TryParse(after, NumberStyles.None, CultureInfo.InvariantCulture, out sequence))
        {
            throw new MeshCaException(ErrorKind.Malformed, "the page token is not one of ours; begin without one");
        }

        var found = await ledger.ListAsync(filter, sequence, pageSize + 1, ct);
        return found.Length > pageSize
            ? new(found[..pageSize], found[pageSize - 1].Sequence.ToString(CultureInfo.InvariantCulture))
            : new(found, Next: null);
    }

    /// <summary>By serial number in lower-case hex; NotFound if no such certificate was issued.</summary>
    public async Task<IssuedIdentity> GetAsync(string serialNumber, CancellationToken ct) =>
        (SerialNumber.TryParse(serialNumber, out var serial) ? await ledger.FindAsync(serial, ct) : null)
        ?? throw new MeshCaException(
            ErrorKind.NotFound,
            "there is no identity with that serial number; it has 32 lower-case hexadecimal digits"
        );
}
