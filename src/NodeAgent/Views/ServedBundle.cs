using System.Text;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Views;

/// <summary>A trust bundle in the forms in which it is served. Immutable; the same object while the bundle is the same.</summary>
internal sealed class ServedBundle(TrustBundle bundle)
{
    public TrustBundle Bundle { get; } = bundle;

    /// <summary>The root certificates, DER, one after the other.</summary>
    public ReadOnlyMemory<byte> Der { get; } = bundle.X509Authorities.SelectMany(static a => a.ToArray()).ToArray();

    /// <summary>The SPIFFE ID of the trust domain, UTF-8.</summary>
    public ReadOnlyMemory<byte> Key { get; } = Encoding.UTF8.GetBytes(bundle.TrustDomain.Id.ToString());
}
