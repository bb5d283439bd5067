using System.Text.Json;
using MeshCA.NodeAgent.Peers;
using MeshCA.Spiffe;

namespace MeshCA.NodeAgent.Node;

/// <summary>node.json in the data directory: mode 0600, replaced whole, on the disk before <see cref="Save"/> returns.</summary>
internal sealed class NodeStateFile(AgentOptions options) : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _path = Path.Combine(options.DataDir, "node.json");

    private FileStream? _lock;

    /// <summary>Makes the data directory, 0700, if missing, and takes it for this process.</summary>
    /// <exception cref="MeshCaException">It cannot be written to, or another agent uses it.</exception>
    public void Open()
    {
        try
        {
            if (!Directory.Exists(options.DataDir))
            {
                Directory.CreateDirectory(options.DataDir, OwnerOnly | UnixFileMode.UserExecute);
            }

            // Kept open: the lock ends with the process, however that ends.
            _lock = new FileStream(
                Path.Combine(options.DataDir, "agent.lock"),
                new FileStreamOptions
                {
                    Mode = FileMode.OpenOrCreate,
                    Access = FileAccess.ReadWrite,
                    Share = FileShare.None,
                    UnixCreateMode = OwnerOnly,
                }
            );

            // The lock file may be there from a time when the directory could be written to.
            WriteDurably(_path + ".probe", []);
            File.Delete(_path + ".probe");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MeshCaException(
                ErrorKind.FailedPrecondition,
                $"dataDir {options.DataDir} cannot be used: {e.Message.TrimEnd('.')}; it must be writable by the agent's user and be this agent's alone",
                e
            );
        }
    }

    /// <summary>Null if there is none.</summary>
    /// <exception cref="MeshCaException">The file cannot be used.</exception>
    public NodeState? Load()
    {
        try
        {
            if (!File.Exists(_path))
            {
                return null;
            }

            using var file = File.OpenRead(_path);
            var document =
                JsonSerializer.Deserialize(file, NodeStateJson.Default.NodeStateDocument)
                ?? throw new JsonException("it holds nothing");
            if (document.Version != NodeStateDocument.CurrentVersion)
            {
                throw Refuse($"has version {document.Version}, this program knows {NodeStateDocument.CurrentVersion}");
            }

            var state = document.ToState();
            return state.TrustDomain == options.TrustDomain
                ? state
                : throw Refuse($"belongs to trust domain {state.TrustDomain}, not {options.TrustDomain}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or FormatException)
        {
            throw Refuse($"cannot be read: {e.Message.TrimEnd('.')}");
        }
    }

    public void Save(NodeState state)
    {
        var temporary = _path + ".tmp";
        WriteDurably(
            temporary,
            JsonSerializer.SerializeToUtf8Bytes(NodeStateDocument.From(state), NodeStateJson.Default.NodeStateDocument)
        );
        File.Move(temporary, _path, overwrite: true);
        Native.SyncDirectory(options.DataDir);
    }

    public void Dispose() => _lock?.Dispose();

    private static void WriteDurably(string path, ReadOnlySpan<byte> content)
    {
        // What a crash left there may have another mode.
        File.Delete(path);
        using var file = new FileStream(
            path,
            new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = OwnerOnly,
            }
        );
        file.Write(content);
        file.Flush(flushToDisk: true);
    }

    private MeshCaException Refuse(string why) =>
        new(
            ErrorKind.FailedPrecondition,
            $"{_path} {why}; remove it and give the agent a new join token to attest this node anew"
        );
}
