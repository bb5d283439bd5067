using MeshCA.Signers;
using MeshCA.Spiffe;

namespace MeshCA.Ca.Issuance.Lint;

/// <summary>The linter's word that these bytes may be signed by this signer, once. Nothing else gets a digest to a signer.</summary>
internal sealed class LintedTbs
{
    private readonly ISigner _signer;
    private readonly ReadOnlyMemory<byte> _tbs;
    private readonly ReadOnlyMemory<byte> _digest;
    private int _redeemed;

    private LintedTbs(ISigner signer, ReadOnlyMemory<byte> tbs, ReadOnlyMemory<byte> digest) =>
        (_signer, _tbs, _digest) = (signer, tbs, digest);

    /// <summary>For the linters alone, which have just read the bytes. The digest goes to the end of <paramref name="digest"/>.</summary>
    public static LintedTbs Of(ISigner signer, SignatureScheme scheme, ReadOnlyMemory<byte> tbs, Memory<byte> digest)
    {
        var length = SignatureSchemes.Digest(scheme, tbs.Span, digest.Span);
        return new(signer, tbs, digest[..length]);
    }

    /// <summary>The digest to sign, the first time; and only for the very bytes and the signer that were linted.</summary>
    public ReadOnlyMemory<byte> Redeem(ISigner signer, ReadOnlyMemory<byte> tbs)
    {
        if (!ReferenceEquals(signer, _signer) || !tbs.Equals(_tbs))
        {
            throw new MeshCaException(
                ErrorKind.Internal,
                "a lint token was redeemed for other bytes or another signer"
            );
        }

        return Interlocked.Exchange(ref _redeemed, 1) == 0
            ? _digest
            : throw new MeshCaException(ErrorKind.Internal, "a lint token was redeemed twice");
    }
}
