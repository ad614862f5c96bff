using XInstruct.Domain.Texts;

namespace XInstruct.Domain.Tests.Texts;

public sealed class SentencesTests
{
    [Theory]
    [InlineData("Moja. Mbili! Tatu?", new[] { "Moja", "Mbili", "Tatu" })]
    [InlineData("एक है। दो हैं। तीन", new[] { "एक है", "दो हैं", "तीन" })]
    [InlineData("一です。二です！三", new[] { "一です", "二です", "三" })]
    [InlineData("کیا ہے؟ یہ ہے۔ ہاں", new[] { "کیا ہے", "یہ ہے", "ہاں" })]
    [InlineData("ประโยคแรก ประโยคสอง", new[] { "ประโยคแรก", "ประโยคสอง" })]
    [InlineData("Bei 3.5 auf example.com\nneu", new[] { "Bei 3.5 auf example.com", "neu" })]
    [InlineData("...", new string[0])]
    public void Split_Script_EndsSentencesInItsOwnWay(string text, string[] sentences) => Sentences.Split(text).ShouldBe(sentences);

    [Fact]
    public void Share_DifferentSentences_IsZero() =>
        Repetition.Share("Leo tunapika wali wa nazi. Kesho tutacheza mpira uwanjani. Jana tulisoma vitabu vya zamani.", 0.8).ShouldBe(0);

    [Fact]
    public void Share_LastOfThreeSentencesRepeated_IsItsShareOfTheText() =>
        Repetition.Share("Leo tunapika wali wa nazi. Kesho tutacheza mpira uwanjani. leo tunapika wali wa Nazi.", 0.8).ShouldBe(1.0 / 3, 0.07);
}
