using System.Buffers.Binary;
using System.Text;

namespace XInstruct.Training.Tokenizers.Normalizing;

/// <summary>
/// SentencePiece's compiled character map: the length of a double-array trie (four bytes, little endian), the trie (32-bit units in the layout of
/// github.com/s-yata/darts-clone), then the replacements as UTF-8 texts that end with a zero byte. A key's value is where its replacement begins.
/// </summary>
internal sealed class CharsMap
{
    private const int MaxReplacement = 4096;

    private readonly uint[] _units;
    private readonly byte[] _replacements;
    private readonly Dictionary<int, string> _texts = [];
    private readonly Lock _lock = new();

    private CharsMap(uint[] units, byte[] replacements) => (_units, _replacements) = (units, replacements);

    /// <summary>Reads a map; null when the bytes are empty, which is the map that changes nothing.</summary>
    /// <exception cref="FormatException">The bytes are no map.</exception>
    public static CharsMap? Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return null;
        if (bytes.Length < 8) throw new FormatException("is too short for a character map");
        var size = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        if (size == 0 || size % 4 != 0 || size > bytes.Length - 4) throw new FormatException($"has a trie of {size} bytes in a map of {bytes.Length}");
        var units = new uint[size / 4];
        for (var i = 0; i < units.Length; i++) units[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(4 + (4 * i))..]);
        return new CharsMap(units, bytes[(4 + (int)size)..].ToArray());
    }

    /// <summary>Reads a map in base64.</summary>
    public static CharsMap? Read(JsonField field)
    {
        try
        {
            return Parse(Convert.FromBase64String(field.String()));
        }
        catch (FormatException error)
        {
            throw field.Error($"is not a character map ({error.Message})");
        }
    }

    /// <summary>The shortest or longest key that the text begins with: its length in bytes and its replacement.</summary>
    public bool TryMatch(ReadOnlySpan<byte> text, bool longest, out int length, out string replacement)
    {
        (length, var value) = (0, -1);
        var node = Offset(_units[0]);
        for (var i = 0; i < text.Length; i++)
        {
            node ^= text[i];
            if (node >= _units.Length) break;
            var unit = _units[node];
            // A leaf's unit has the highest bit set, so it never equals a label.
            if ((unit & 0x8000_00FF) != text[i]) break;
            node ^= Offset(unit);
            if ((unit >> 8 & 1) == 0) continue;
            if (node >= _units.Length) break;
            (length, value) = (i + 1, (int)(_units[node] & 0x7FFF_FFFF));
            if (!longest) break;
        }

        replacement = value < 0 ? "" : Text(value);
        return value >= 0;
    }

    private static uint Offset(uint unit) => (unit >> 10) << (int)((unit & 0x200) >> 6);

    private string Text(int start)
    {
        lock (_lock)
        {
            if (_texts.TryGetValue(start, out var text)) return text;
            var rest = start < _replacements.Length ? _replacements.AsSpan(start, Math.Min(MaxReplacement, _replacements.Length - start)) : [];
            var end = rest.IndexOf((byte)0);
            return _texts[start] = Encoding.UTF8.GetString(end < 0 ? rest : rest[..end]);
        }
    }
}
