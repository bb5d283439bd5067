namespace MeshCA.NodeAgent.Svids;

/// <summary>Jobs that travel together, each with the key that was made for it. Prints nothing.</summary>
internal sealed record IssueBatch(List<IssueJob> Jobs, List<KeyAndCsr> Keys, long SentAt)
{
    public override string ToString() => "...";
}
