namespace MeshCA.Spiffe;

/// <summary>A public key that signs JWT-SVIDs, with its key ID.</summary>
public sealed record JwtAuthority(string KeyId, ReadOnlyMemory<byte> SubjectPublicKeyInfo)
{
    public bool Equals(JwtAuthority? other) =>
        other is not null
        && KeyId == other.KeyId
        && SubjectPublicKeyInfo.Span.SequenceEqual(other.SubjectPublicKeyInfo.Span);

    public override int GetHashCode() => KeyId.GetHashCode(StringComparison.Ordinal);
}
