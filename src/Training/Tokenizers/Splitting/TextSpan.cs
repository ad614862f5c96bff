using XInstruct.Training.Tokenizers.Normalizing;

namespace XInstruct.Training.Tokenizers.Splitting;

/// <summary>A part of a normalised text.</summary>
/// <param name="Source">The text.</param>
/// <param name="Start">Its first UTF-16 unit.</param>
/// <param name="Length">Its units.</param>
/// <param name="IsFirst">Whether the original text begins with it.</param>
internal readonly record struct TextSpan(AlignedText Source, int Start, int Length, bool IsFirst = false)
{
    public ReadOnlySpan<char> Span => Source.Text.AsSpan(Start, Length);

    /// <summary>The part as a text of its own.</summary>
    public AlignedText Cut() => Source.Slice(Start, Length);

    public static TextSpan Whole(AlignedText text, bool isFirst = false) => new(text, 0, text.Text.Length, isFirst);
}
