using System.Text;
using XInstruct.Training.Tokenizers.Splitting;

namespace XInstruct.Training.Tokenizers.Normalizing;

/// <summary>The <c>normalizer</c> of a tokenizer file: what a text becomes before it is cut.</summary>
internal abstract class TextNormalizer
{
    public abstract AlignedText Normalize(AlignedText text);

    public string Normalize(string text) => Normalize(AlignedText.Of(text, isAligned: false)).Text;

    /// <summary>Reads a part and the parts inside it.</summary>
    /// <exception cref="TokenizerFileException">The kind is not known.</exception>
    public static TextNormalizer Read(JsonField field)
    {
        var kind = field.At("type").String();
        return kind switch
        {
            "Sequence" => new NormalizerSequence([.. field.Array("normalizers").Items().Select(Read)]),
            "NFC" => new FormNormalizer(NormalizationForm.FormC),
            "NFD" => new FormNormalizer(NormalizationForm.FormD),
            "NFKC" => new FormNormalizer(NormalizationForm.FormKC),
            "NFKD" => new FormNormalizer(NormalizationForm.FormKD),
            "Prepend" => new PrependNormalizer(field.At("prepend").String()),
            "Replace" => new ReplaceNormalizer(TextPattern.Read(field.Object("pattern")), field.At("content").String()),
            "Precompiled" => new PrecompiledNormalizer(CharsMap.Read(field.At("precompiled_charsmap"))),
            "Lowercase" => new LowercaseNormalizer(),
            "Strip" => new StripNormalizer(field.OptionalBool("strip_left", whenAbsent: true), field.OptionalBool("strip_right", whenAbsent: true)),
            "StripAccents" => new BertNormalizer(CleansText: false, SeparatesIdeographs: false, StripsAccents: true, Lowercases: false, Decomposes: false),
            "BertNormalizer" => BertNormalizer.ReadBert(field),
            _ => throw field.At("type").Error($"the normalizer kind '{kind}' is not supported"),
        };
    }
}

internal sealed class NormalizerSequence(IReadOnlyList<TextNormalizer> parts) : TextNormalizer
{
    public override AlignedText Normalize(AlignedText text) => parts.Aggregate(text, (current, part) => part.Normalize(current));
}

/// <summary>Puts a text before one that is not empty.</summary>
internal sealed class PrependNormalizer(string prefix) : TextNormalizer
{
    public override AlignedText Normalize(AlignedText text) => Prepend(text, prefix);

    public static AlignedText Prepend(AlignedText text, string prefix)
        => text.Text.Length == 0 ? text : new AlignedText.Builder(text).Append(prefix, 0).Copy(0, text.Text.Length).Build();
}

/// <summary>Replaces every match of a pattern.</summary>
internal sealed class ReplaceNormalizer(TextPattern pattern, string content) : TextNormalizer
{
    public override AlignedText Normalize(AlignedText text)
    {
        AlignedText.Builder? result = null;
        var from = 0;
        foreach (var (offset, length) in pattern.Matches(text.Text))
        {
            (result ??= new AlignedText.Builder(text)).Copy(from, offset - from).Append(content, offset + length - 1);
            from = offset + length;
        }

        return result is null ? text : result.Copy(from, text.Text.Length - from).Build();
    }
}

internal sealed class LowercaseNormalizer : TextNormalizer
{
    public override AlignedText Normalize(AlignedText text)
    {
        var result = new AlignedText.Builder(text);
        var at = 0;
        foreach (var rune in text.Text.EnumerateRunes())
        {
            // The one letter of which the lower case is two characters whatever the language.
            if (rune.Value == 0x130) result.Append("i\u0307", at);
            else result.Append(Rune.ToLowerInvariant(rune), at);
            at += rune.Utf16SequenceLength;
        }

        return result.Build();
    }
}

internal sealed class StripNormalizer(bool left, bool right) : TextNormalizer
{
    public override AlignedText Normalize(AlignedText text)
    {
        var start = left ? text.Text.Length - text.Text.AsSpan().TrimStart().Length : 0;
        var end = right ? text.Text.AsSpan().TrimEnd().Length : text.Text.Length;
        return text.Slice(Math.Min(start, end), Math.Max(0, end - start));
    }
}
