using System.Text;
using MeshCA.Spiffe;

namespace MeshCA.Commands.Svid;

/// <summary>Writes an identity as the three files that most programs want.</summary>
internal static class SvidFiles
{
    private const UnixFileMode KeyMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OpenMode = KeyMode | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>Each file is swapped whole; the key last, so that a reader who sees it finds its certificate.</summary>
    public static void Write(string directory, ReceivedSvid svid)
    {
        try
        {
            Directory.CreateDirectory(directory, KeyMode | UnixFileMode.UserExecute);
            Replace(Path.Combine(directory, "bundle.pem"), Pem.EncodeCertificates(svid.Bundle), OpenMode);
            Replace(Path.Combine(directory, "svid.pem"), svid.ChainPem, OpenMode);
            Replace(Path.Combine(directory, "key.pem"), Pem.EncodePrivateKey(svid.Svid.PrivateKeyPkcs8), KeyMode);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MeshCaException(
                ErrorKind.FailedPrecondition,
                $"{directory} cannot be written: {e.Message.TrimEnd('.')}; name another folder with --write",
                e
            );
        }
    }

    private static void Replace(string path, string content, UnixFileMode mode)
    {
        var temporary = path + ".new";
        File.Delete(temporary);
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = KeyMode,
        };
        using (var file = new FileStream(temporary, options))
        {
            file.Write(Encoding.ASCII.GetBytes(content));
        }

        File.SetUnixFileMode(temporary, mode);
        File.Move(temporary, path, overwrite: true);
    }
}
