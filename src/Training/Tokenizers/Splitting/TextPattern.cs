using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace XInstruct.Training.Tokenizers.Splitting;

/// <summary>
/// Where a pattern or a text occurs. Patterns are written for code points, .NET matches UTF-16 units: a character outside the basic plane is
/// matched as one representative of its Unicode category, so that <c>[^\p{L}]?\p{L}+</c> takes an emoji and a word as it should.
/// </summary>
internal sealed class TextPattern
{
    // A pattern comes with a model and may be made to take for ever.
    private static readonly TimeSpan MatchTimeout = TimeSpan.FromSeconds(4);

    // One character of each category; none of them has a case partner that a (?i:…) group of known patterns names.
    private static readonly char[] Representative = BuildRepresentatives();

    private readonly Regex? _regex;
    private readonly string _text = "";
    private readonly Func<string, Exception, TokenizerFileException>? _error;

    /// <summary>A pattern of our own.</summary>
    public TextPattern(Regex regex) => _regex = regex;

    private TextPattern(Regex regex, Func<string, Exception, TokenizerFileException> error) => (_regex, _error) = (regex, error);

    private TextPattern(string text) => _text = text;

    /// <summary>Reads <c>{"String": …}</c> or <c>{"Regex": …}</c>.</summary>
    public static TextPattern Read(JsonField field)
    {
        if (field.OptionalString("Regex") is { } regex) return Compile(field.At("Regex"), regex);
        return field.At("String").String() is { Length: > 0 } text ? new TextPattern(text) : throw field.At("String").Error("is empty");
    }

    /// <summary>A pattern; <paramref name="field"/> is where it stands.</summary>
    /// <exception cref="TokenizerFileException">It is none.</exception>
    public static TextPattern Compile(JsonField field, string pattern)
    {
        try
        {
            return new TextPattern(new Regex(pattern, RegexOptions.Compiled | RegexOptions.CultureInvariant, MatchTimeout), field.Error);
        }
        catch (ArgumentException error)
        {
            throw field.Error($"is not a pattern that can be used ({error.Message})");
        }
    }

    /// <summary>The matches from left to right, none of them empty.</summary>
    /// <exception cref="TokenizerFileException">A file's pattern takes too long on the text.</exception>
    public List<(int Offset, int Length)> Matches(string text)
    {
        try
        {
            return Find(text);
        }
        catch (RegexMatchTimeoutException error) when (_error is not null)
        {
            throw _error(string.Create(CultureInfo.InvariantCulture, $"the pattern took more than {MatchTimeout.TotalSeconds} s on a text of {text.Length} characters"), error);
        }
    }

    private List<(int Offset, int Length)> Find(string text)
    {
        var found = new List<(int Offset, int Length)>();
        if (_regex is null)
        {
            for (var at = 0; (at = text.IndexOf(_text, at, StringComparison.Ordinal)) >= 0; at += _text.Length) found.Add((at, _text.Length));
            return found;
        }

        var (shown, offsets) = Flatten(text);
        foreach (var match in _regex.EnumerateMatches(shown))
        {
            if (match.Length == 0) continue;
            var end = match.Index + match.Length;
            found.Add(offsets is null ? (match.Index, match.Length) : (offsets[match.Index], offsets[end] - offsets[match.Index]));
        }

        return found;
    }

    private static (string Shown, int[]? Offsets) Flatten(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
            return (text, null);
        var shown = new StringBuilder(text.Length);
        var offsets = new List<int>(text.Length + 1);
        var at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            offsets.Add(at);
            shown.Append(rune.IsBmp ? (char)rune.Value : Representative[(int)Rune.GetUnicodeCategory(rune)]);
            at += rune.Utf16SequenceLength;
        }
        offsets.Add(at);
        return (shown.ToString(), [.. offsets]);
    }

    private static char[] BuildRepresentatives()
    {
        const string Candidates = "\u0100\u0101\u01C5\u02B0\u4E2D\u0301\u0903\u0488\u0660\u16EE\u00B2\u2000\u2028\u2029\u0081\u00AD\uE000"
            + "\u203F\u2014\u2045\u2046\u00AB\u00BB\u00A1\u2200\u20AC\u00A8\u00A6\u0378";
        var table = new char[30];
        Array.Fill(table, '\u0378');
        foreach (var candidate in Candidates)
            table[(int)CharUnicodeInfo.GetUnicodeCategory(candidate)] = candidate;
        return table;
    }
}
