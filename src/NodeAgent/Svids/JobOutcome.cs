using System.Runtime.InteropServices;

namespace MeshCA.NodeAgent.Svids;

/// <summary>What became of a job: an SVID, or why there is none.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct JobOutcome(IssueJob Job, WorkloadSvid? Svid, string Error, bool Unavailable);
