using XInstruct.Training.Tokenizers.Normalizing;

namespace XInstruct.Training.Tokenizers.Splitting;

/// <summary>The <c>pre_tokenizer</c> of a tokenizer file: cuts a normalised text into parts that no token crosses.</summary>
internal abstract class TextSplitter
{
    /// <summary>What every known byte-level file with <c>use_regex</c> means, from the GPT-2 release: contractions, words, numbers, other signs, white space.</summary>
    private const string ByteLevelPattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    // ASCII's signs such as $ and ^ count as punctuation too, though Unicode has other classes for them.
    private const string Punctuation = @"[\p{P}$+<=>^`|~]";

    /// <summary>The parts of some parts; none is empty.</summary>
    public abstract List<TextSpan> Split(List<TextSpan> spans);

    /// <summary>Reads a part and the parts inside it.</summary>
    /// <exception cref="TokenizerFileException">The kind is not known.</exception>
    public static TextSplitter Read(JsonField field)
    {
        var kind = field.At("type").String();
        return kind switch
        {
            "Sequence" => new SplitterSequence([.. field.Array("pretokenizers").Items().Select(Read)]),
            "ByteLevel" => new ByteLevelSplitter(
                field.OptionalBool("add_prefix_space", whenAbsent: true),
                field.OptionalBool("use_regex", whenAbsent: true) ? Pattern(field, ByteLevelPattern) : null),
            "Metaspace" => Metaspace.Read(field).Splitter(),
            "Split" => new PatternSplitter(
                TextPattern.Read(field.Object("pattern")), PatternSplitter.ReadBehavior(field.At("behavior")), field.OptionalBool("invert")),
            "Digits" => Pattern(field, field.OptionalBool("individual_digits") ? @"\p{N}" : @"\p{N}+"),
            "Punctuation" => Pattern(field, Punctuation, field.Optional("behavior") is { } behavior ? PatternSplitter.ReadBehavior(behavior) : SplitBehavior.Isolated),
            "Whitespace" => new PatternSplitter(TextPattern.Compile(field, @"\w+|[^\w\s]+"), SplitBehavior.Removed, isInverted: true),
            "WhitespaceSplit" => Pattern(field, @"\s", SplitBehavior.Removed),
            "CharDelimiterSplit" => Pattern(field, System.Text.RegularExpressions.Regex.Escape(field.At("delimiter").String()), SplitBehavior.Removed),
            "BertPreTokenizer" => new SplitterSequence([Pattern(field, @"\s", SplitBehavior.Removed), Pattern(field, Punctuation)]),
            _ => throw field.At("type").Error($"the pre-tokenizer kind '{kind}' is not supported"),
        };
    }

    /// <summary>Whether it is, or has inside, a part of a kind.</summary>
    public bool Any<T>() => this is T || (this is SplitterSequence sequence && sequence.Parts.Any(part => part.Any<T>()));

    private static PatternSplitter Pattern(JsonField field, string pattern, SplitBehavior behavior = SplitBehavior.Isolated) =>
        new(TextPattern.Compile(field, pattern), behavior);
}

internal sealed class SplitterSequence(IReadOnlyList<TextSplitter> parts) : TextSplitter
{
    public IReadOnlyList<TextSplitter> Parts => parts;

    public override List<TextSpan> Split(List<TextSpan> spans) => parts.Aggregate(spans, (current, part) => part.Split(current));
}

/// <summary>
/// Makes of a text the symbols of its UTF-8 bytes (see <see cref="ByteSymbols"/>), after it was cut as the GPT-2 release does, unless another splitter did.
/// </summary>
internal sealed class ByteLevelSplitter(bool addsPrefixSpace, PatternSplitter? pattern) : TextSplitter
{
    public override List<TextSpan> Split(List<TextSpan> spans)
    {
        if (addsPrefixSpace)
            spans = [.. spans.Select(span => span.Span[0] == ' ' ? span : TextSpan.Whole(PrependNormalizer.Prepend(span.Cut(), " ")))];
        if (pattern is not null) spans = pattern.Split(spans);
        var result = new List<TextSpan>(spans.Count);
        for (var first = 0; first < spans.Count;)
        {
            var last = first + 1;
            while (last < spans.Count && ReferenceEquals(spans[last].Source, spans[first].Source)) last++;
            Append(result, spans.GetRange(first, last - first));
            first = last;
        }

        return result;
    }

    // All parts of one text at once: one text of symbols.
    private static void Append(List<TextSpan> result, List<TextSpan> spans)
    {
        var source = spans[0].Source;
        var symbols = new AlignedText.Builder(source);
        var bounds = new List<(int Start, int Length)>(spans.Count);
        Span<byte> bytes = stackalloc byte[4];
        Span<char> shown = stackalloc char[4];
        foreach (var span in spans)
        {
            var start = symbols.Length;
            var at = span.Start;
            foreach (var rune in span.Span.EnumerateRunes())
            {
                var count = rune.EncodeToUtf8(bytes);
                for (var i = 0; i < count; i++) shown[i] = ByteSymbols.Of(bytes[i]);
                symbols.Append(shown[..count], at);
                at += rune.Utf16SequenceLength;
            }

            bounds.Add((start, symbols.Length - start));
        }

        var text = symbols.Build();
        result.AddRange(bounds.Select(bound => new TextSpan(text, bound.Start, bound.Length)));
    }
}
