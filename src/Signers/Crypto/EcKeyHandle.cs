using Microsoft.Win32.SafeHandles;

namespace MeshCA.Signers.Crypto;

/// <summary>An <c>EC_KEY</c>. Freeing it overwrites a private key that it holds.</summary>
internal sealed class EcKeyHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    protected override bool ReleaseHandle()
    {
        LibCrypto.FreeKey(handle);
        return true;
    }
}
