using XInstruct.Activities.Truth;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Tests.Truth;

public sealed class BaselineTests
{
    private static readonly Seed[] Seeds =
    [
        new(0, "Write a positive review in Swahili.", "nzuri sana, ninaipenda"), new(1, "Write a positive review in Swahili.", "nzuri kabisa, furaha tele"),
        new(2, "Write a negative review in Swahili.", "mbaya sana, imeharibika"), new(3, "Write a negative review in Turkish.", "çok kötü, bozuldu"),
        new(4, "Write a review in Swahili.", "sijui la kusema"),
    ];

    [Theory]
    [InlineData("positive", "sw", 0.4)]
    [InlineData("negative", "sw", 0.2)]
    [InlineData("negative", "tr", 0.2)]
    [InlineData("positive", "tr", 0)]
    public void Chance_Truth_IsTheShareOfSeedsThatSayIt(string answer, string language, double share) =>
        Learnt("answer", "lang").Chance(Row(("answer", answer), ("lang", language))).ShouldBe(share);

    [Theory]
    [InlineData("nzuri! furaha", "positive", "sw", true)]
    [InlineData("nzuri! furaha", "negative", "sw", false)]
    [InlineData("mbaya, imeharibika", "negative", "sw", true)]
    [InlineData("kötü, çok kötü", "negative", "tr", true)]
    [InlineData("kötü, çok kötü", "negative", "sw", false)]
    public void IsRight_Text_NeedsEveryField(string text, string answer, string language, bool isRight) =>
        Learnt("answer", "lang").IsRight(text, Row(("answer", answer), ("lang", language))).ShouldBe(isRight);

    [Fact]
    public void IsRight_FieldThatTruthOrSeedsLack_IsNever()
    {
        Learnt("answer").IsRight("nzuri", Row(("lang", "sw"))).ShouldBeFalse();
        Learnt("answer").Chance(Row(("lang", "sw"))).ShouldBe(0);
        Learnt("answer", "topic").IsRight("nzuri", Row(("answer", "positive"), ("topic", "food"))).ShouldBeFalse();
        Learnt().IsRight("nzuri", Row()).ShouldBeFalse();
    }

    private static Baseline Learnt(params string[] fields)
    {
        TruthRow[] rows = [Row(("answer", "positive"), ("topic", "food")), Row(("answer", "negative"), ("topic", "farm"))];
        return new Baseline(fields, new InstructionReader(fields, ["sw", "tr"], rows), Seeds);
    }

    private static TruthRow Row(params (string Field, string Value)[] values) => new(values.ToDictionary(v => v.Field, v => v.Value, StringComparer.Ordinal), null);
}
