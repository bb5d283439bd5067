using Grpc.Core;

namespace MeshCA.Tests.Sds;

internal static class StatusExtensions
{
    /// <summary>What came over the wire, without the client's own remarks.</summary>
    public static Status WithoutException(this Status status) => new(status.StatusCode, status.Detail);
}
