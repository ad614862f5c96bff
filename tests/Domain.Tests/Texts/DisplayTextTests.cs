using XInstruct.Domain.Texts;

namespace XInstruct.Domain.Tests.Texts;

public sealed class DisplayTextTests
{
    [Theory]
    [InlineData("plain हिन्दी 🙂", "plain हिन्दी 🙂")]
    [InlineData("a\nb\tc\u2028d", "a b c d")]
    [InlineData("\u001b[31mred\u0007", "\uFFFD[31mred\uFFFD")]
    [InlineData("a\u202Eb\u2066c\u200F", "a\uFFFDb\uFFFDc\uFFFD")]
    public void Clean_Text_SteersNothing(string text, string expected) => DisplayText.Clean(text).ShouldBe(expected);

    [Theory]
    [InlineData("a\nb\tc\u2028d\u2029e", "a\nb\tc\nd\ne")]
    [InlineData("\u001b[2Jgone\r", "\uFFFD[2Jgone\uFFFD")]
    [InlineData("a\u202Eb\nc", "a\uFFFDb\nc")]
    public void CleanLines_Text_KeepsItsLinesAndSteersNothing(string text, string expected) => DisplayText.CleanLines(text).ShouldBe(expected);

    [Theory]
    [InlineData("abc", 3, "abc")]
    [InlineData("abcd", 3, "abc…")]
    [InlineData("a🙂🙂b", 2, "a🙂…")]
    [InlineData("", 0, "")]
    public void Clip_Text_CountsCodePoints(string text, int length, string expected) => DisplayText.Clip(text, length).ShouldBe(expected);
}
