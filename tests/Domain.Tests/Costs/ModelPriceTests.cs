using System.Text;
using XInstruct.Domain.Costs;
using XInstruct.Domain.Recipes;

namespace XInstruct.Domain.Tests.Costs;

public sealed class ModelPriceTests
{
    [Fact]
    public void For_OwnPrice_HoldsBeforeTheTable()
    {
        ModelPrice.For(new ApiOptions { Model = "gpt-4o-mini" }).ShouldBe(new ModelPrice(0.15m, 0.60m));
        ModelPrice.For(new ApiOptions { Model = "gpt-4o-mini", UsdPerMillionOut = 1 }).ShouldBe(new ModelPrice(0.15m, 1m));
        ModelPrice.For(new ApiOptions { Model = "mine", UsdPerMillionIn = 1 }).ShouldBeNull();
        ModelPrice.For(new ApiOptions { Model = "mine", BaseUrl = "http://127.0.0.1:1/v1" }).ShouldBe(new ModelPrice(0, 0));
        ModelPrice.For(new ApiOptions { Model = "mine", BaseUrl = "http://10.0.0.1:1/v1" }).ShouldBeNull();
    }

    [Fact]
    public void Of_Tokens_CostTheirShareOfAMillion() => new ModelPrice(0.05m, 0.4m).Of(3, 7).ShouldBe(0.00000295m);

    [Theory]
    [InlineData("Habari ya asubuhi")]
    [InlineData("สวัสดีตอนเช้า")]
    public void TokenEstimate_Likely_IsBelowTheMost(string text)
    {
        TokenEstimate.Likely(text).ShouldBeInRange(1, Encoding.UTF8.GetByteCount(text));
        TokenEstimate.AtMost([text]).ShouldBeGreaterThan(TokenEstimate.Likely(text));
    }
}
