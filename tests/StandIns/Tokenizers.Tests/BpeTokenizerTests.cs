using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.ML.Tokenizers;

namespace XInstruct.Tokenizers.Tests;

public sealed class BpeTokenizerTests
{
    // The byte alphabet of byte-level vocabularies, written out independently of the tokenizer: printable Latin-1 stays, the rest moves to U+0100 on.
    private static readonly string[] Alphabet = [.. Enumerable.Range(0, 256).Select(Symbol)];

    private static readonly BpeTokenizer ByteLevel = BpeTokenizer.Create(new BpeOptions(Vocabulary("Ġt", "he", "Ġthe", "ab", "abc", "aa", "สà¸"))
    {
        Merges = ["Ġ t", "h e", "Ġt he", "a b", "ab c", "a a"],
        ByteLevel = true,
        PreTokenizer = new RegexPreTokenizer(new Regex(@" ?\S+|\s+", RegexOptions.None, TimeSpan.FromSeconds(5)), null),
    });

    [Fact]
    public void EncodeToIds_MergesByRank_TheStrongestFirst()
        => Pieces("abc").ShouldBe(["abc"]);

    [Fact]
    public void EncodeToIds_EqualMerges_TheLeftOneFirst()
        => Pieces("aaa").ShouldBe(["aa", "a"]);

    [Fact]
    public void EncodeToIds_SpaceBelongsToTheWord_AsByteSymbol()
        => Pieces("a the").ShouldBe(["a", "Ġthe"]);

    [Fact]
    public void EncodeToTokens_MultiByteCharacters_HaveOffsetsInUtf16()
    {
        var tokens = ByteLevel.EncodeToTokens("é the", out var normalized);
        normalized.ShouldBeNull();
        tokens.Count.ShouldBe(3);
        tokens[2].Offset.ShouldBe(1..5);
        tokens[2].Value.ShouldBe("Ġthe");
    }

    [Fact]
    public void EncodeToIds_SpecialTokenIsolatedByThePreTokenizer_KeepsItsId()
    {
        var special = new Dictionary<string, int>(StringComparer.Ordinal) { ["<|x|>"] = 900 };
        var tokenizer = BpeTokenizer.Create(new BpeOptions(Vocabulary())
        {
            ByteLevel = true,
            SpecialTokens = special,
            PreTokenizer = new RegexPreTokenizer(new Regex(@"\w+|\W", RegexOptions.None, TimeSpan.FromSeconds(5)), special),
        });
        tokenizer.EncodeToIds("a<|x|>b").ShouldBe([(int)'a', 900, 'b']);
        tokenizer.Decode([97, 900, 98]).ShouldBe("a<|x|>b");
        tokenizer.Decode([97, 900, 98], considerSpecialTokens: false).ShouldBe("ab");
    }

    [Fact]
    public void EncodeToIds_WithoutPreTokenization_EncodesTheTextAsOnePiece()
    {
        var tokenizer = BpeTokenizer.Create(new BpeOptions(Vocabulary("aĠ")) { Merges = ["a Ġ"], ByteLevel = true });
        tokenizer.EncodeToIds("a ", considerPreTokenization: false).ShouldBe([256]);
        tokenizer.EncodeToIds("a ").ShouldBe([(int)'a']);
    }

    [Fact]
    public void EncodeToIds_CharacterLevel_UsesTheUnknownToken()
    {
        var tokenizer = BpeTokenizer.Create(new BpeOptions(new Dictionary<string, int>(StringComparer.Ordinal) { ["?"] = 0, ["a"] = 1, ["aa"] = 2 })
        {
            Merges = ["a a"],
            UnknownToken = "?",
        });
        tokenizer.EncodeToIds("aab").ShouldBe([2, 0]);
    }

    [Fact]
    public void EncodeToIds_Normalizer_RunsFirstUnlessAskedNotTo()
    {
        var tokenizer = BpeTokenizer.Create(new BpeOptions(Vocabulary()) { ByteLevel = true, Normalizer = new Upper() });
        tokenizer.EncodeToIds("a").ShouldBe([(int)'A']);
        tokenizer.EncodeToIds("a", considerNormalization: false).ShouldBe([(int)'a']);
    }

    [Fact]
    public void CountTokens_AnyText_EqualsTheIds()
        => Prop.ForAll<NonNull<string>>(text => ByteLevel.CountTokens(text.Get) == ByteLevel.EncodeToIds(text.Get).Count).QuickCheckThrowOnFailure();

    [Fact]
    public void Decode_OfEncode_GivesTheTextBack()
        => Prop.ForAll(ArbMap.Default.ArbFor<UnicodeString>(), text =>
        {
            var source = new string([.. (text.Get ?? "").Where(c => !char.IsSurrogate(c))]);
            return ByteLevel.Decode(ByteLevel.EncodeToIds(source)) == source;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Create_MergeOutsideTheVocabulary_Throws()
        => Should.Throw<InvalidOperationException>(() => BpeTokenizer.Create(new BpeOptions(Vocabulary()) { Merges = ["q x"], ByteLevel = true }));

    [Fact]
    public void Create_MergeWithoutTwoSides_Throws()
        => Should.Throw<InvalidOperationException>(() => BpeTokenizer.Create(new BpeOptions(Vocabulary()) { Merges = ["qx"], ByteLevel = true }));

    [Fact]
    public void Create_EmptyVocabulary_Throws()
        => Should.Throw<InvalidOperationException>(() => BpeTokenizer.Create(new BpeOptions(new Dictionary<string, int>(StringComparer.Ordinal))));

    private static IEnumerable<string> Pieces(string text) => ByteLevel.EncodeToTokens(text, out _).Select(token => token.Value);

    private static Dictionary<string, int> Vocabulary(params string[] more)
    {
        var pieces = Alphabet.Concat(more).ToArray();
        return pieces.Select((piece, id) => (piece, id)).ToDictionary(x => x.piece, x => x.id, StringComparer.Ordinal);
    }

    private static string Symbol(int value)
    {
        if (value is >= 33 and <= 126 or >= 161 and <= 172 or >= 174 and <= 255)
            return ((char)value).ToString();
        var moved = value <= 32 ? value : value <= 160 ? value - 94 : 67;
        return ((char)(256 + moved)).ToString();
    }

    private sealed class Upper : Normalizer
    {
        public override string Normalize(string original) => original.ToUpperInvariant();

        public override string Normalize(ReadOnlySpan<char> original) => original.ToString().ToUpperInvariant();
    }
}
