using System.Collections.Frozen;
using System.Text;

namespace XInstruct.Training.Tokenizers;

/// <summary>
/// The GPT-2 alphabet: each byte as one printable character, so that any byte sequence is a JSON string.
/// Printable Latin-1 characters stand for themselves; the 68 others take U+0100, U+0101, … in the order of their value.
/// </summary>
public static class ByteSymbols
{
    private static readonly char[] Symbols = Build();
    private static readonly FrozenDictionary<char, byte> Values =
        Symbols.Select((symbol, value) => KeyValuePair.Create(symbol, (byte)value)).ToFrozenDictionary();

    /// <summary>The character that stands for a byte.</summary>
    public static char Of(byte value) => Symbols[value];

    /// <summary>A text's UTF-8 bytes in the alphabet.</summary>
    public static string Show(string text) => string.Create(Encoding.UTF8.GetByteCount(text), text, static (span, source) =>
    {
        var bytes = Encoding.UTF8.GetBytes(source);
        for (var i = 0; i < span.Length; i++)
            span[i] = Symbols[bytes[i]];
    });

    /// <summary>The bytes a piece stands for; a piece with a character outside the alphabet stands for its own UTF-8 bytes.</summary>
    public static byte[] Bytes(string piece)
    {
        var bytes = new byte[piece.Length];
        for (var i = 0; i < piece.Length; i++)
        {
            if (!Values.TryGetValue(piece[i], out bytes[i]))
                return Encoding.UTF8.GetBytes(piece);
        }
        return bytes;
    }

    private static char[] Build()
    {
        var symbols = new char[256];
        var next = 0x100;
        for (var value = 0; value < symbols.Length; value++)
        {
            var keeps = value is > 0x20 and < 0x7F or > 0xA0 and not 0xAD;
            symbols[value] = (char)(keeps ? value : next++);
        }
        return symbols;
    }
}
