namespace MeshCA.EndToEndTests.Parts;

/// <summary>A running <c>meshca dev</c> in a folder of its own.</summary>
internal sealed class Dev : IAsyncDisposable
{
    private static readonly TimeSpan _startTimeout = TimeSpan.FromSeconds(30);

    private Dev(string dir, Program program) => (Dir, Program) = (dir, program);

    public string Dir { get; }

    public Program Program { get; }

    public string Socket => Path.Combine(Dir, "agent.sock");

    public string Admin => "unix:" + Path.Combine(Dir, "admin.sock");

    public static async Task<Dev> StartAsync(string dir, CancellationToken ct)
    {
        var program = Program.Start(Meshca.Binary, ["dev", "--dir", dir]);
        try
        {
            await program.LineAsync(static l => l == "ready", _startTimeout, ct);
            return new(dir, program);
        }
        catch
        {
            await program.DisposeAsync();
            throw;
        }
    }

    /// <summary>Creates an entry and returns its id.</summary>
    public Task<string> EntryAsync(string spiffeId, string selector, CancellationToken ct, params string[] more) =>
        AdminApi.CreateEntryAsync(Admin, spiffeId, selector, ct, more);

    public ValueTask DisposeAsync() => Program.DisposeAsync();
}
