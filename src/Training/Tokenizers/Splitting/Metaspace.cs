using XInstruct.Training.Tokenizers.Normalizing;

namespace XInstruct.Training.Tokenizers.Splitting;

/// <summary>Spaces as a visible sign, usually ▁, that begins a word; a splitter and a decoder share it.</summary>
internal sealed record Metaspace(char Sign, bool PrependsAlways, bool PrependsFirst, bool Splits)
{
    /// <summary>The sign of SentencePiece.</summary>
    public const char DefaultSign = '\u2581';

    public bool Prepends => PrependsAlways || PrependsFirst;

    public static Metaspace Read(JsonField field)
    {
        var sign = field.OptionalString("replacement") ?? "\u2581";
        if (sign.Length != 1) throw field.At("replacement").Error("is not one character");
        var scheme = field.OptionalString("prepend_scheme") ?? (field.OptionalBool("add_prefix_space", whenAbsent: true) ? "always" : "never");
        if (scheme is not ("always" or "first" or "never")) throw field.At("prepend_scheme").Error($"'{scheme}' is not supported; always, first, never are");
        return new Metaspace(sign[0], scheme == "always", scheme == "first", field.OptionalBool("split", whenAbsent: true));
    }

    public TextSplitter Splitter() => new MetaspaceSplitter(this);

    private sealed class MetaspaceSplitter(Metaspace space) : TextSplitter
    {
        private readonly string _sign = space.Sign.ToString();

        public override List<TextSpan> Split(List<TextSpan> spans)
        {
            var result = new List<TextSpan>(spans.Count * 8);
            foreach (var span in spans)
            {
                var text = Replace(span.Cut());
                var isPrepended = text.Text[0] != space.Sign && (space.PrependsAlways || (space.PrependsFirst && span.IsFirst));
                if (isPrepended) text = PrependNormalizer.Prepend(text, _sign);
                if (!space.Splits)
                {
                    result.Add(TextSpan.Whole(text));
                    continue;
                }

                for (int start = 0, next; start < text.Text.Length; start = next)
                {
                    next = text.Text.IndexOf(space.Sign, start + 1);
                    if (next < 0) next = text.Text.Length;
                    result.Add(new TextSpan(text, start, next - start));
                }
            }

            return result;
        }

        private AlignedText Replace(AlignedText text)
        {
            if (!text.Text.Contains(' ', StringComparison.Ordinal)) return text;
            var result = new AlignedText.Builder(text);
            for (var i = 0; i < text.Text.Length; i++)
            {
                if (text.Text[i] == ' ') result.Append(_sign, i);
                else result.Copy(i, 1);
            }

            return result.Build();
        }
    }
}
