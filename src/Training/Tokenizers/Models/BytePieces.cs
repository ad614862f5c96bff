using System.Globalization;
using System.Text;

namespace XInstruct.Training.Tokenizers.Models;

/// <summary>The pieces <c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c> that stand for bytes of characters a vocabulary lacks.</summary>
internal sealed class BytePieces
{
    private readonly int[] _ids;

    private BytePieces(int[] ids) => _ids = ids;

    public static string Name(byte value) => string.Create(CultureInfo.InvariantCulture, $"<0x{value:X2}>");

    /// <summary>The byte that a piece stands for, or null.</summary>
    public static byte? Value(string piece) => piece.Length == 6 && piece.StartsWith("<0x", StringComparison.Ordinal) && piece[5] == '>'
        && byte.TryParse(piece.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) ? value : null;

    public static BytePieces Of(IReadOnlyDictionary<string, int> vocabulary) =>
        new([.. Enumerable.Range(0, 256).Select(value => vocabulary.TryGetValue(Name((byte)value), out var id) ? id : -1)]);

    /// <summary>Appends a token for each byte of a text, all of them standing for the whole of it; false when a byte has no piece.</summary>
    public bool TryAppend(ReadOnlySpan<char> text, int start, List<ModelToken> tokens)
    {
        var before = tokens.Count;
        Span<byte> bytes = stackalloc byte[4];
        foreach (var rune in text.EnumerateRunes())
        {
            foreach (var value in bytes[..rune.EncodeToUtf8(bytes)])
            {
                if (_ids[value] < 0)
                {
                    tokens.RemoveRange(before, tokens.Count - before);
                    return false;
                }

                tokens.Add(new ModelToken(_ids[value], start, start + text.Length));
            }
        }

        return true;
    }
}
