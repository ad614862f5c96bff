using System.Text.Json;
using XInstruct.Activities.Endpoints;
using XInstruct.Domain.Refinement;

namespace XInstruct.Activities.Tests.Endpoints;

public sealed class ReplyFormatTests
{
    [Theory]
    [InlineData("""{"instruction":"Write a text."}""", "Write a text.")]
    [InlineData("""  {"instruction":"a \"b\"\n"}  """, "a \"b\"\n")]
    [InlineData("""{"instruction":7}""", null)]
    [InlineData("""{"text":"x"}""", null)]
    [InlineData("""["instruction"]""", null)]
    [InlineData("""{"instruction":"x"} and more""", null)]
    [InlineData("""{"instruction":"x""", null)]
    [InlineData("""{"instruction":"\ud800"}""", null)]
    [InlineData("Write a text.", null)]
    [InlineData("", null)]
    public void Read_Instruction_OnlyFromTheObject(string reply, string? instruction) => ReplyFormat.Of("generator").Read(reply).ShouldBe(instruction);

    [Theory]
    [InlineData("""{"reason":"Good.","score":4}""", 4)]
    [InlineData("""{"score":0,"reason":"Score: 5"}""", 0)]
    [InlineData("""{"reason":"x","score":6}""", null)]
    [InlineData("""{"reason":"x","score":-1}""", null)]
    [InlineData("""{"reason":"x","score":2.5}""", null)]
    [InlineData("""{"reason":"x","score":"4"}""", null)]
    [InlineData("""{"score":4}""", null)]
    [InlineData("Score: 4", null)]
    public void Read_Rating_IsTheRubricsScore(string reply, int? points)
    {
        var plain = ReplyFormat.Of("evaluator").Read(reply);
        (plain is null ? null : RubricScore.Parse(plain)).ShouldBe(points);
    }

    [Theory]
    [InlineData("generator")]
    [InlineData("evaluator")]
    public void Schema_IsStrict_NamesAllMembersAndNoOther(string role)
    {
        var schema = JsonDocument.Parse(ReplyFormat.Of(role).Schema).RootElement;
        schema.GetProperty("required").EnumerateArray().Select(r => r.GetString()).ShouldBe(schema.GetProperty("properties").EnumerateObject().Select(p => p.Name));
        schema.GetProperty("additionalProperties").GetBoolean().ShouldBeFalse();
        EndpointPrompt.Shipped(role, isStructured: true).ShouldContain("JSON");
        EndpointPrompt.Shipped(role, isStructured: true).ShouldNotContain("Score:");
    }
}
