using System.Runtime.InteropServices;
using MeshCA.NodeAgent.Svids;

namespace MeshCA.NodeAgent.Views;

/// <summary>An identity as one workload sees it.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ViewIdentity(WorkloadSvid Svid, string Hint);
