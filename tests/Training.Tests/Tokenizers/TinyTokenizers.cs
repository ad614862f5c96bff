using System.Buffers.Binary;
using System.Text;

namespace XInstruct.Training.Tests.Tokenizers;

/// <summary>Small tokenizer files of every kind, written here.</summary>
internal static class TinyTokenizers
{
    /// <summary>A chat template with most of what templates use.</summary>
    public const string ChatTemplate = """
        {%- set ns = namespace(n=0, last=none) -%}
        {%- macro turn(role, text, end='!') -%}[{{ role | upper }}] {{ text | trim }}{{ end }}{%- endmacro -%}
        {% for m in messages if m.role != 'system' %}
            {% set ns.n = ns.n + 1 %}
            {{ turn(m['role'], m.content, end=';' if not loop.last else '.') }}{{ loop.index0 % 2 }}
        {% else %}
        none
        {% endfor %}
        {% if add_generation_prompt and ns.n >= 1 %}{{ '<go>' ~ messages[-1].content[1:] | tojson }}{% endif %}
        """;

    private const string Added = """
        "added_tokens":[{"id":0,"content":"<unk>","special":true},{"id":1,"content":"<s>","special":true,"lstrip":true},{"id":2,"content":"</s>","special":true,"normalized":true,"rstrip":true,"single_word":true}]
        """;

    private const string Template = """
        "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"</s>","type_id":1}},{"Sequence":{"id":"B","type_id":1}}],"special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]},"</s>":{"id":"</s>","ids":[2],"tokens":["</s>"]}}}
        """;

    /// <summary>The bytes of a <c>tokenizer.json</c> of each kind.</summary>
    public static IReadOnlyDictionary<string, byte[]> All { get; } = new Dictionary<string, byte[]>
    {
        ["fallback"] = Utf8($$$"""
            {{{{Added}}},{{{Template}}},"normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]},
            "pre_tokenizer":null,"decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},
            "model":{"type":"BPE","unk_token":"<unk>","fuse_unk":true,"byte_fallback":true,"vocab":{"<unk>":0,"<s>":1,"</s>":2,{{{Bytes(3)}}},"▁":259,"a":260,"t":261,"▁a":262,"at":263},"merges":["▁ a",["a","t"]]}}
            """),
        ["unigram"] = Utf8($$$"""
            {{{{Added}}},{{{Template}}},"normalizer":{"type":"NFC"},"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true},
            "decoder":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true},
            "model":{"type":"Unigram","unk_id":0,"byte_fallback":false,"vocab":[["<unk>",0],["<s>",0],["</s>",0],["▁",-2.5],["a",-3],["at",-4.25],["▁at",-5],["t",-3.5]]}}
            """),
        ["bytelevel"] = Utf8($$$"""
            {{{{Added.Replace("<unk>", "<|end|>", StringComparison.Ordinal)}}},"post_processor":{"type":"ByteLevel","trim_offsets":true,"add_prefix_space":true},"normalizer":null,
            "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\p{N}{1,3}"},"behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":true,"use_regex":true}]},
            "decoder":{"type":"ByteLevel"},"model":{"type":"BPE","ignore_merges":true,"vocab":{"<|end|>":0,"<s>":1,"</s>":2,{{{Symbols(3)}}},"he":259,"Ġt":260},"merges":["h e","Ġ t"]}}
            """),
    };

    /// <summary>A SentencePiece model: unigram with bytes, or BPE with a symbol of its user and an unused piece; with a character map or none.</summary>
    public static byte[] SentencePiece(bool isUnigram, byte[]? map = null)
    {
        var model = new List<byte>();
        Piece("<unk>", 0, 2);
        Piece("<s>", 0, 3);
        Piece("</s>", 0, 3);
        for (var value = 0; isUnigram && value < 256; value++) Piece($"<0x{value:X2}>", 0, 6);
        if (!isUnigram) Piece("<go>", 0, 4);
        foreach (var (piece, i) in ((string[])["▁a", "at", "ate", "▁", "a", "t", "e"]).Select((piece, i) => (piece, i))) Piece(piece, -i - 1, !isUnigram && piece == "at" ? 5ul : 1ul);
        Field(model, 2, [.. Varint(3, isUnigram ? 1ul : 2ul), .. Varint(35, isUnigram ? 1ul : 0ul)]);
        var normalizer = new List<byte>([.. Varint(3, 1), .. Varint(4, isUnigram ? 0ul : 1ul), .. Varint(5, 1)]);
        if (map is not null) Field(normalizer, 2, map);
        Field(model, 3, [.. normalizer]);
        return [.. model];

        void Piece(string piece, float score, ulong type)
        {
            var message = new List<byte>();
            Field(message, 1, Encoding.UTF8.GetBytes(piece));
            message.Add((2 << 3) | 5);
            var number = new byte[4];
            BinaryPrimitives.WriteSingleLittleEndian(number, score);
            message.AddRange(number);
            message.AddRange(Varint(3, type));
            Field(model, 1, [.. message]);
        }
    }

    private static void Field(List<byte> message, int number, byte[] content)
    {
        message.AddRange(Number((ulong)((number << 3) | 2)));
        message.AddRange(Number((ulong)content.Length));
        message.AddRange(content);
    }

    private static IEnumerable<byte> Varint(int number, ulong value) => Number((ulong)number << 3).Concat(Number(value));

    private static IEnumerable<byte> Number(ulong value)
    {
        for (; value > 0x7F; value >>= 7) yield return (byte)(value | 0x80);
        yield return (byte)value;
    }

    private static string Bytes(int first) => string.Join(',', Enumerable.Range(0, 256).Select(value => $"\"<0x{value:X2}>\":{first + value}"));

    private static string Symbols(int first) => string.Join(',', Enumerable.Range(0, 256).Select(value =>
        $"{System.Text.Json.JsonSerializer.Serialize(XInstruct.Training.Tokenizers.ByteSymbols.Of((byte)value).ToString())}:{first + value}"));

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
