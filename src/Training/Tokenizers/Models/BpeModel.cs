using System.Text;
using Microsoft.ML.Tokenizers;

namespace XInstruct.Training.Tokenizers.Models;

/// <summary>
/// Byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909): <see cref="BpeTokenizer"/> merges what the vocabulary knows; a character it lacks is
/// its bytes' pieces, else the unknown token, else left out.
/// </summary>
internal sealed class BpeModel : TokenModel
{
    private readonly BpeTokenizer _merger;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _ids;
    private readonly Dictionary<int, int> _lengths;
    private readonly BytePieces? _bytes;
    private readonly int? _unknown;
    private readonly bool _fusesUnknown;
    private readonly bool _ignoresMerges;

    private BpeModel(Dictionary<string, int> vocabulary, List<string> merges, BytePieces? bytes, int? unknown, bool fusesUnknown, bool ignoresMerges)
        : base(vocabulary)
    {
        _ids = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        _lengths = vocabulary.ToDictionary(piece => piece.Value, piece => piece.Key.Length);
        (_bytes, _unknown, _fusesUnknown, _ignoresMerges) = (bytes, unknown, fusesUnknown, ignoresMerges);
        _merger = BpeTokenizer.Create(new BpeOptions(vocabulary) { Merges = merges });
    }

    public static new BpeModel Read(JsonField model)
    {
        foreach (var affix in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (model.OptionalString(affix) is { Length: > 0 } text)
                throw model.At(affix).Error($"the affix '{text}' is not supported");
        }

        if (model.Optional("dropout") is { } dropout && dropout.Number() != 0) throw dropout.Error("dropout is not supported: the same text would have different ids");
        var vocabulary = TokenizerFile.ReadVocabulary(model.Object("vocab"));
        int? unknown = model.OptionalString("unk_token") is not { Length: > 0 } name ? null
            : vocabulary.TryGetValue(name, out var id) ? id : throw model.At("unk_token").Error($"'{name}' is not in the vocabulary");
        return new BpeModel(
            vocabulary, ReadMerges(model.Array("merges"), vocabulary), model.OptionalBool("byte_fallback") ? BytePieces.Of(vocabulary) : null,
            unknown, model.OptionalBool("fuse_unk"), model.OptionalBool("ignore_merges"));
    }

    public override void Encode(ReadOnlySpan<char> text, List<ModelToken> tokens)
    {
        // A part that is in the vocabulary as a whole is taken as it is, reachable by merges or not.
        if (_ignoresMerges && _ids.TryGetValue(text, out var whole))
        {
            tokens.Add(new ModelToken(whole, 0, text.Length));
            return;
        }

        var from = 0;
        var afterUnknown = false;
        for (var at = 0; at < text.Length;)
        {
            Rune.DecodeFromUtf16(text[at..], out _, out var length);
            if (_ids.ContainsKey(text.Slice(at, length)))
            {
                at += length;
                continue;
            }

            if (at > from)
            {
                Merge(text, from, at, tokens);
                afterUnknown = false;
            }

            if (_bytes?.TryAppend(text.Slice(at, length), at, tokens) is not true && _unknown is { } unknown)
            {
                if (afterUnknown && _fusesUnknown) tokens[^1] = tokens[^1] with { End = at + length };
                else tokens.Add(new ModelToken(unknown, at, at + length));
                afterUnknown = true;
            }

            at += length;
            from = at;
        }

        if (from < text.Length) Merge(text, from, text.Length, tokens);
    }

    private void Merge(ReadOnlySpan<char> text, int from, int to, List<ModelToken> tokens)
    {
        foreach (var id in _merger.EncodeToIds(text[from..to], considerPreTokenization: false, considerNormalization: false))
        {
            var end = from + _lengths[id];
            tokens.Add(new ModelToken(id, from, end));
            from = end;
        }
    }

    private static List<string> ReadMerges(JsonField merges, Dictionary<string, int> vocabulary)
    {
        var result = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in merges.Items())
        {
            var sides = item.IsArray ? item.Items().Select(side => side.String()).ToArray() : item.String().Split(' ');
            if (sides.Length != 2 || sides.Any(side => side.Length == 0 || side.Contains(' ', StringComparison.Ordinal)))
                throw item.Error("is not a pair of pieces");
            foreach (var piece in (string[])[sides[0], sides[1], sides[0] + sides[1]])
            {
                if (!vocabulary.ContainsKey(piece))
                    throw item.Error($"'{piece}' is not in the vocabulary");
            }
            var merge = $"{sides[0]} {sides[1]}";
            if (!seen.Add(merge))
                throw item.Error("repeats an earlier merge");
            result.Add(merge);
        }
        return result;
    }
}
