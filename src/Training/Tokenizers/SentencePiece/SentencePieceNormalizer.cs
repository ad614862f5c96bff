using System.Text;
using XInstruct.Training.Tokenizers.Normalizing;
using XInstruct.Training.Tokenizers.Splitting;

namespace XInstruct.Training.Tokenizers.SentencePiece;

/// <summary>
/// SentencePiece's normaliser: the longest key of the character map is replaced, but not inside a user's symbols; runs of spaces become one and
/// those at the ends none, where the model says so; a space is ▁, and one stands before (or after) the text.
/// </summary>
internal sealed class SentencePieceNormalizer(SentencePieceFile file) : TextNormalizer
{
    private readonly string _space = file.EscapesSpaces ? Metaspace.DefaultSign.ToString() : " ";

    public override AlignedText Normalize(AlignedText text)
    {
        var source = new Source(text.Text, file);
        var result = new AlignedText.Builder(text);
        while (file.RemovesExtraSpaces && !source.IsEnd && source.IsSpace()) source.Move();
        if (source.IsEnd) return result.Build();
        if (file is { AddsDummyPrefix: true, SpaceIsSuffix: false }) result.Append(_space, source.At);
        var afterSpace = file.RemovesExtraSpaces;
        for (; !source.IsEnd; source.Move())
        {
            var kept = source.Shown();
            if (afterSpace) kept = kept.TrimStart(' ');
            if (kept.Length == 0) continue;
            afterSpace = file.RemovesExtraSpaces && kept[^1] == ' ';
            for (int space; (space = kept.IndexOf(' ')) >= 0; kept = kept[(space + 1)..]) result.Append(kept[..space], source.At).Append(_space, source.At);
            result.Append(kept, source.At);
        }

        if (file.RemovesExtraSpaces) result.TrimEnd(_space[0]);
        if (file is { AddsDummyPrefix: true, SpaceIsSuffix: true }) result.Append(_space, text.Text.Length - 1);
        return result.Build();
    }

    // Where a text is read, in UTF-16 and, where a map needs it, in UTF-8; and what stands there with what becomes of it.
    private ref struct Source
    {
        private readonly string _text;
        private readonly SentencePieceFile _file;
        private readonly byte[] _utf8;
        private int _byte;
        private int _length;
        private int _bytes;
        private string? _replacement;

        public Source(string text, SentencePieceFile file)
        {
            (_text, _file) = (text, file);
            _utf8 = file.CharsMap is null ? [] : Encoding.UTF8.GetBytes(text);
            Read();
        }

        public int At { get; private set; }

        public readonly bool IsEnd => At == _text.Length;

        public readonly ReadOnlySpan<char> Shown() => _replacement is null ? _text.AsSpan(At, _length) : _replacement;

        public readonly bool IsSpace() => Shown() is " ";

        public void Move()
        {
            At += _length;
            _byte += _bytes;
            Read();
        }

        // A damaged map may have a key that ends inside a character.
        private readonly bool IsWhole(int end) => end == _utf8.Length || (_utf8[end] & 0xC0) != 0x80;

        private void Read()
        {
            if (IsEnd) return;
            _replacement = null;
            _length = _file.UserSymbols.Longest(_text.AsSpan(At));
            if (_length > 0)
            {
                _bytes = _file.CharsMap is null ? 0 : Encoding.UTF8.GetByteCount(_text.AsSpan(At, _length));
            }
            else if (_file.CharsMap is { } map && map.TryMatch(_utf8.AsSpan(_byte), longest: true, out _bytes, out var replacement) && IsWhole(_byte + _bytes))
            {
                _replacement = replacement;
                _length = Encoding.UTF8.GetCharCount(_utf8.AsSpan(_byte, _bytes));
            }
            else
            {
                var rune = Rune.GetRuneAt(_text, At);
                (_length, _bytes) = (rune.Utf16SequenceLength, rune.Utf8SequenceLength);
            }
        }
    }
}
