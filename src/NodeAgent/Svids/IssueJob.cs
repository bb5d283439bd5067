using System.Runtime.InteropServices;
using MeshCA.NodeAgent.Sync;

namespace MeshCA.NodeAgent.Svids;

/// <summary>An SVID to be asked for, with the entry as it was when the job was taken.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct IssueJob(SvidSlot Slot, AgentEntry Entry);
