using MeshCA.Spiffe;

namespace MeshCA.Ca.Rest;

/// <summary>Collects everything that is wrong with one request, so that the caller learns it all at once.</summary>
internal sealed class FieldErrors
{
    /// <summary>A body of 64 KiB holds thousands of wrong members: the answer stays readable and bounded.</summary>
    private const int MaxErrors = 100;

    private const int MaxReasonLength = 400;

    private readonly List<FieldError> _errors = [];
    private int _dropped;

    public bool IsEmpty => _errors.Count == 0;

    public void Add(string pointer, string reason)
    {
        if (_errors.Count == MaxErrors)
        {
            _dropped++;
            return;
        }

        _errors.Add(new(Shorten(pointer), Shorten(reason)));
    }

    /// <summary>Adds those that are about parts with which nothing was wrong so far.</summary>
    public void AddNew(IEnumerable<FieldError> errors)
    {
        var known = _errors.Select(static e => e.JsonPointer).ToHashSet(StringComparer.Ordinal);
        foreach (var error in errors)
        {
            var member = error.JsonPointer.IndexOf('/', 1) is > 0 and var end
                ? error.JsonPointer[..end]
                : error.JsonPointer;
            if (!known.Contains(error.JsonPointer) && !known.Contains(member))
            {
                Add(error.JsonPointer, error.Reason);
            }
        }
    }

    /// <summary>Throws a 400 that lists the errors, if there are any.</summary>
    public void ThrowIfAny()
    {
        if (IsEmpty)
        {
            return;
        }

        if (_dropped > 0)
        {
            _errors.Add(new("", $"{_dropped} further errors are not listed"));
        }

        var detail =
            _errors.Count == 1
                ? $"{Where(_errors[0])}{_errors[0].Reason}"
                : $"the request has {_errors.Count} errors; see errors";
        throw new ProblemException(ProblemKind.Malformed, detail) { Errors = [.. _errors] };
    }

    private static string Where(FieldError error) => error.JsonPointer.Length == 0 ? "" : error.JsonPointer + ": ";

    private static string Shorten(string text) =>
        text.Length <= MaxReasonLength ? text : string.Concat(text.AsSpan(0, MaxReasonLength), "…");
}
