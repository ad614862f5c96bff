using System.Text;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Training.Generation;

/// <summary>The text of tokens as they come, up to the first stop text to be complete; what may be the beginning of one waits.</summary>
internal sealed class StopText(TokenStream? stream, IReadOnlyList<string> stops)
{
    private readonly StringBuilder _held = new();

    /// <summary>Whether a stop text came.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>Takes the next id; the text that is certain since the last call.</summary>
    public string Next(int id) => stream is null ? "" : Take(stream.Next(id), isLast: false);

    /// <summary>No id follows: the rest.</summary>
    public string Finish() => stream is null ? "" : Take(stream.Finish(), isLast: true);

    /// <summary>Takes what was decoded; the text that is certain since the last call.</summary>
    internal string Take(string added, bool isLast)
    {
        if (IsStopped) return "";
        if (stops.Count == 0) return added;
        _held.Append(added);
        var text = _held.ToString();
        var first = stops.Select(stop => (At: text.IndexOf(stop, StringComparison.Ordinal), stop.Length))
            .Where(found => found.At >= 0).OrderBy(found => found.At + found.Length).ThenBy(found => found.At).Select(found => (int?)found.At).FirstOrDefault();
        // The one that is complete first, wherever the tokens' borders are.
        IsStopped = first is not null;
        var sure = first ?? (isLast ? text.Length : text.Length - stops.Max(stop => Begun(text, stop)));
        _held.Clear();
        if (!IsStopped) _held.Append(text, sure, text.Length - sure);
        return text[..sure];
    }

    // Characters at the end of the text with which the stop text begins.
    private static int Begun(string text, string stop)
    {
        for (var length = Math.Min(stop.Length - 1, text.Length); length > 0; length--)
        {
            if (text.AsSpan(text.Length - length).SequenceEqual(stop.AsSpan(0, length))) return length;
        }

        return 0;
    }
}
