using System.Text;

namespace XInstruct.Training.Tokenizers.Normalizing;

/// <summary>
/// A text that was made from another one, and (where offsets are wanted) for each UTF-16 unit the code points of the original that it comes from.
/// Who made it keeps the convention of the tokenizers library: a unit that was put in comes from where its left neighbour does.
/// </summary>
internal sealed class AlignedText
{
    private readonly int[]? _starts;
    private readonly int[]? _ends;

    private AlignedText(string text, int[]? starts, int[]? ends) => (Text, _starts, _ends) = (text, starts, ends);

    public string Text { get; }

    public bool IsAligned => _starts is not null;

    /// <summary>A text as it is.</summary>
    public static AlignedText Of(string text, bool isAligned)
    {
        if (!isAligned) return new AlignedText(text, null, null);
        var (starts, ends) = (new int[text.Length], new int[text.Length]);
        var (at, index) = (0, 0);
        foreach (var rune in text.EnumerateRunes())
        {
            for (var i = 0; i < rune.Utf16SequenceLength; i++, at++) (starts[at], ends[at]) = (index, index + 1);
            index++;
        }

        return new AlignedText(text, starts, ends);
    }

    /// <summary>The code points of the original behind a part that is not empty; nothing when they are not known.</summary>
    public (int Start, int End) Origin(int from, int to) => _starts is null ? default : (_starts[from], _ends![to - 1]);

    public AlignedText Slice(int from, int length) => length == Text.Length
        ? this
        : new AlignedText(Text.Substring(from, length), _starts?[from..(from + length)], _ends?[from..(from + length)]);

    /// <summary>A text made from another one, from left to right.</summary>
    internal sealed class Builder(AlignedText source)
    {
        private readonly StringBuilder _text = new(source.Text.Length + 8);
        private readonly List<int>? _starts = source._starts is null ? null : new(source.Text.Length + 8);
        private readonly List<int>? _ends = source._starts is null ? null : new(source.Text.Length + 8);

        public int Length => _text.Length;

        public Builder Copy(int from, int length)
        {
            _text.Append(source.Text, from, length);
            _starts?.AddRange(source._starts.AsSpan(from, length));
            _ends?.AddRange(source._ends.AsSpan(from, length));
            return this;
        }

        /// <summary>Appends text that stands for one unit of the source; -1 is what lies before its beginning.</summary>
        public Builder Append(ReadOnlySpan<char> text, int unit)
        {
            _text.Append(text);
            if (_starts is null) return this;
            var (start, end) = unit < 0 ? (0, 0) : (source._starts![unit], source._ends![unit]);
            for (var i = 0; i < text.Length; i++)
            {
                _starts.Add(start);
                _ends!.Add(end);
            }

            return this;
        }

        public Builder Append(Rune rune, int unit)
        {
            Span<char> units = stackalloc char[2];
            return Append(units[..rune.EncodeToUtf16(units)], unit);
        }

        /// <summary>Takes one kind of unit from the end.</summary>
        public void TrimEnd(char unit)
        {
            var length = _text.Length;
            while (length > 0 && _text[length - 1] == unit) length--;
            _starts?.RemoveRange(length, _text.Length - length);
            _ends?.RemoveRange(length, _text.Length - length);
            _text.Length = length;
        }

        public AlignedText Build() => new(_text.ToString(), _starts?.ToArray(), _ends?.ToArray());
    }
}
