using System.Text.RegularExpressions;

namespace XInstruct.Training.Tokenizers.Splitting;

/// <summary>What becomes of the matches of a splitting pattern.</summary>
internal enum SplitBehavior
{
    /// <summary>Each is a part.</summary>
    Isolated,

    /// <summary>They are left out.</summary>
    Removed,

    /// <summary>Each ends the part before it.</summary>
    MergedWithPrevious,

    /// <summary>Each begins the part after it.</summary>
    MergedWithNext,

    /// <summary>Neighbours are one part.</summary>
    Contiguous,
}

/// <summary>Cuts at the matches of a pattern; what lies between two of them is a part too.</summary>
internal sealed class PatternSplitter(TextPattern pattern, SplitBehavior behavior = SplitBehavior.Isolated, bool isInverted = false) : TextSplitter
{
    public PatternSplitter(Regex regex)
        : this(new TextPattern(regex))
    {
    }

    public static SplitBehavior ReadBehavior(JsonField field) => field.String() is var name && Enum.TryParse<SplitBehavior>(name, out var behavior) && Enum.IsDefined(behavior)
        && name == behavior.ToString() ? behavior : throw field.Error($"'{name}' is not supported; {string.Join(", ", Enum.GetNames<SplitBehavior>())} are");

    public override List<TextSpan> Split(List<TextSpan> spans)
    {
        var result = new List<TextSpan>(spans.Count * 4);
        foreach (var span in spans)
        {
            // A pattern sees a part alone, so that \s+(?!\S) and the like end where the part does.
            var isWhole = span.Length == span.Source.Text.Length;
            foreach (var (offset, length) in Parts(isWhole ? span.Source.Text : span.Span.ToString()))
                result.Add(new TextSpan(span.Source, span.Start + offset, length, span.IsFirst && offset == 0));
        }

        return result;
    }

    /// <summary>The parts of a text.</summary>
    public List<(int Offset, int Length)> Parts(string text)
    {
        var parts = new List<(int Offset, int Length)>(text.Length / 4);
        var previous = false;
        foreach (var (offset, length, isMatch) in Cover(text))
        {
            var joins = behavior switch
            {
                SplitBehavior.Contiguous => isMatch == previous,
                SplitBehavior.MergedWithPrevious => isMatch && !previous,
                _ => false,
            };
            previous = isMatch;
            if (joins && parts.Count > 0) parts[^1] = (parts[^1].Offset, parts[^1].Length + length);
            else if (behavior != SplitBehavior.Removed || !isMatch) parts.Add((offset, length));
        }

        return behavior == SplitBehavior.MergedWithNext ? JoinNext(text) : parts;
    }

    // From the right: a match joins what follows it unless that is a match.
    private List<(int Offset, int Length)> JoinNext(string text)
    {
        var parts = new List<(int Offset, int Length)>();
        var wasMatch = false;
        foreach (var (offset, length, isMatch) in Cover(text).AsEnumerable().Reverse())
        {
            if (isMatch && !wasMatch && parts.Count > 0) parts[^1] = (offset, parts[^1].Length + length);
            else parts.Add((offset, length));
            wasMatch = isMatch;
        }

        parts.Reverse();
        return parts;
    }

    private List<(int Offset, int Length, bool IsMatch)> Cover(string text)
    {
        var matches = pattern.Matches(text);
        var cover = new List<(int, int, bool)>((2 * matches.Count) + 1);
        var end = 0;
        foreach (var (offset, length) in matches)
        {
            if (offset > end) cover.Add((end, offset - end, isInverted));
            cover.Add((offset, length, !isInverted));
            end = offset + length;
        }

        if (end < text.Length) cover.Add((end, text.Length - end, isInverted));
        return cover;
    }
}
