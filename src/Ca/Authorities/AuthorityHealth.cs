namespace MeshCA.Ca.Authorities;

/// <summary>Whether certificates can be issued.</summary>
/// <param name="CanIssue">False: nothing can, or soon nothing could, be issued; readiness fails.</param>
/// <param name="Problem">For an operator; null = none.</param>
/// <param name="IssuesUntil">When the present authority ends; null = there is none.</param>
public sealed record AuthorityHealth(bool CanIssue, string? Problem, DateTimeOffset? IssuesUntil);
