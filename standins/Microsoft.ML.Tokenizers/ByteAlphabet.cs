#nullable enable
using System.Text;

namespace Microsoft.ML.Tokenizers;

/// <summary>The printable stand-in for each byte in byte-level vocabularies: itself where printable, else from U+0100 on.</summary>
internal static class ByteAlphabet
{
    private static readonly char[] Symbols = Build();
    private static readonly Dictionary<char, byte> Bytes = Symbols.Select((symbol, i) => (symbol, i)).ToDictionary(x => x.symbol, x => (byte)x.i);

    public static string Show(ReadOnlySpan<byte> bytes)
    {
        var shown = new char[bytes.Length];
        for (var i = 0; i < bytes.Length; i++)
            shown[i] = Symbols[bytes[i]];
        return new string(shown);
    }

    public static void Append(string piece, List<byte> bytes)
    {
        foreach (var symbol in piece)
        {
            if (Bytes.TryGetValue(symbol, out var value))
                bytes.Add(value);
            else
                bytes.AddRange(Encoding.UTF8.GetBytes([symbol]));
        }
    }

    private static char[] Build()
    {
        var symbols = new char[256];
        var next = 256;
        for (var value = 0; value < 256; value++)
        {
            var printable = value is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE;
            symbols[value] = (char)(printable ? value : next++);
        }
        return symbols;
    }
}
