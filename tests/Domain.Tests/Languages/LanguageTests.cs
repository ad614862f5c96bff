using System.Text;
using FsCheck;
using FsCheck.Fluent;
using XInstruct.Domain.Languages;

namespace XInstruct.Domain.Tests.Languages;

public sealed class LanguageTests
{
    [Theory]
    [InlineData("sw", "sw", "Swahili", Script.Latin)]
    [InlineData("HI", "hi", "Hindi", Script.Devanagari)]
    [InlineData("swa", "sw", "Swahili", Script.Latin)]
    [InlineData("ger", "de", "German", Script.Latin)]
    [InlineData("iw", "he", "Hebrew", Script.Hebrew)]
    [InlineData("in", "id", "Indonesian", Script.Latin)]
    [InlineData("bn", "bn", "Bengali", Script.Bengali)]
    [InlineData("ur", "ur", "Urdu", Script.Arabic)]
    [InlineData("th", "th", "Thai", Script.Thai)]
    [InlineData("ta", "ta", "Tamil", Script.Tamil)]
    [InlineData("am", "am", "Amharic", Script.Ethiopic)]
    [InlineData("my", "my", "Burmese", Script.Myanmar)]
    [InlineData("pt-br", "pt-BR", "Portuguese (Brazil)", Script.Latin)]
    [InlineData("SR-latn", "sr-Latn", "Serbian (Latin)", Script.Latin)]
    [InlineData("zh-Hant-TW", "zh-Hant-TW", null, Script.Han)]
    [InlineData("es-419", "es-419", null, Script.Latin)]
    [InlineData("yue", "yue", "Cantonese", Script.Han)]
    [InlineData("la", "la", "Latin", Script.Latin)]
    [InlineData("nso", "nso", "Northern Sotho", Script.Latin)]
    [InlineData("dv", "dv", null, Script.Thaana)]
    public void Parse_KnownCode_IsCanonicalWithNameAndScript(string code, string canonical, string? name, Script script)
    {
        var language = Language.Parse(code);
        language.Code.ShouldBe(canonical);
        if (name is not null) language.EnglishName.ShouldBe(name);
        language.Scripts.ShouldContain(script);
    }

    [Theory]
    [InlineData("ja", new[] { Script.Han, Script.Hiragana, Script.Katakana })]
    [InlineData("sr", new[] { Script.Cyrillic, Script.Latin })]
    [InlineData("sr-Cyrl", new[] { Script.Cyrillic })]
    [InlineData("ko", new[] { Script.Hangul, Script.Han })]
    public void Parse_LanguageOfSeveralScripts_HasThemAll(string code, Script[] scripts) => Language.Parse(code).Scripts.ShouldBe(scripts, ignoreOrder: true);

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("sw_KE")]
    [InlineData("swahili")]
    [InlineData("sw-")]
    [InlineData("sw-KE-Latn")]
    [InlineData("sw KE")]
    [InlineData("../sw")]
    [InlineData("xx")]
    [InlineData("qzq")]
    [InlineData("sw-Qqqq")]
    [InlineData("sw-ZZ")]
    public void TryParse_MalformedOrUnknownCode_SaysSoWithASuggestion(string code)
    {
        Language.TryParse(code, out var language, out var error).ShouldBeFalse();
        language.ShouldBeNull();
        error.ShouldNotBeNull().ShouldContain("Did you mean '");
        Should.Throw<FormatException>(() => Language.Parse(code)).Message.ShouldBe(error);
    }

    [Theory]
    [InlineData("swahili", "sw")]
    [InlineData("Kiswahili", "sw")]
    [InlineData("hindi", "hi")]
    [InlineData("sw_KE", "sw-KE")]
    [InlineData("Türkce", "tr")]
    public void Nearest_MistypedCodeOrName_IsTheCodeThatWasMeant(string written, string code) => Language.Nearest(written).ShouldBe(code);

    [Fact]
    public void TryParse_AnyString_NeverThrows() =>
        Prop.ForAll(ArbMap.Default.ArbFor<string>(), text => Language.TryParse(text, out var language) == (language is not null)).QuickCheckThrowOnFailure();

    [Fact]
    public void Parse_CanonicalCode_IsItself()
    {
        foreach (var code in new[] { "fi", "zh-Hant", "pt-BR", "yue", "sr-Latn-RS" }) Language.Parse(Language.Parse(code).Code).ShouldBe(Language.Parse(code));
    }

    [Theory]
    [InlineData("A", Script.Latin)]
    [InlineData("ñ", Script.Latin)]
    [InlineData("ế", Script.Latin)]
    [InlineData("Ж", Script.Cyrillic)]
    [InlineData("ก", Script.Thai)]
    [InlineData("ิ", Script.Thai)]
    [InlineData("ி", Script.Tamil)]
    [InlineData("한", Script.Hangul)]
    [InlineData("𠀀", Script.Han)]
    [InlineData("ー", Script.Katakana)]
    [InlineData("7", Script.None)]
    [InlineData("७", Script.None)]
    [InlineData("।", Script.None)]
    [InlineData("×", Script.None)]
    [InlineData("\u0301", Script.None)]
    [InlineData("𐎠", Script.Other)]
    public void Of_Character_IsItsScript(string character, Script script) => Scripts.Of(character.EnumerateRunes().First()).ShouldBe(script);

    [Fact]
    public void Share_MixedText_CountsLettersAndMarksOnly()
    {
        Scripts.Share("abc, где 123!", new HashSet<Script> { Script.Latin }).ShouldBe(0.5);
        Scripts.Share("123 …", new HashSet<Script> { Script.Latin }).ShouldBe(0);
        Scripts.Share("𠀀a", new HashSet<Script> { Script.Han }).ShouldBe(0.5);
    }

    [Fact]
    public void Share_AnyText_LiesBetweenZeroAndOne() => Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), text =>
        Scripts.Share(text.Get, new HashSet<Script> { Script.Latin, Script.Han }) is >= 0 and <= 1).QuickCheckThrowOnFailure();
}
