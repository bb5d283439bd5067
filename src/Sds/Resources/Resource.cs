using System.Security.Cryptography;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace MeshCA.Sds.Resources;

/// <summary>One named resource, encoded once. Its version is a hash of its content.</summary>
internal sealed class Resource
{
    private Resource(string name, string version, ByteString any) => (Name, Version, Any) = (name, version, any);

    public string Name { get; }

    public string Version { get; }

    /// <summary>The bytes of the <c>google.protobuf.Any</c> that holds the resource.</summary>
    public ByteString Any { get; }

    public static Resource Encode(string name, string typeUrl, IMessage message)
    {
        var any = new Any { TypeUrl = typeUrl, Value = message.ToByteString() }.ToByteString();
        return new(name, Convert.ToHexStringLower(SHA256.HashData(any.Span).AsSpan(0, 8)), any);
    }

    /// <summary>One that a client says it holds, so that only its version is known.</summary>
    public static Resource HeldByClient(string name, string version) => new(name, version, ByteString.Empty);

    public bool SameAs(Resource other) =>
        ReferenceEquals(this, other) || (Name == other.Name && Version == other.Version);

    public override string ToString() => $"{Name} {Version}";
}
