using FsCheck;
using FsCheck.Fluent;
using XInstruct.Domain.Prompts;

namespace XInstruct.Domain.Tests.Prompts;

public sealed class PromptTemplateTests
{
    [Fact]
    public void Fill_ValueThatLooksLikeASlot_StaysText() =>
        PromptTemplate.Parse("{text}|{instruction}").Fill(Values(("text", "{instruction} {{x}}"), ("instruction", "{text}"))).ShouldBe("{instruction} {{x}}|{text}");

    [Fact]
    public void Fill_DoubledBraces_AreBraces() => PromptTemplate.Parse("{{a}} {{{text}}}").Fill(Values(("text", "x"))).ShouldBe("{a} {x}");

    [Fact]
    public void Segments_LiteralsAndSlots_StandApartInOrder() =>
        PromptTemplate.Parse("a {text}{label} b").Segments.ShouldBe([new("a ", null), new("text", "text"), new("label", "label"), new(" b", null)]);

    [Theory]
    [InlineData("{text")]
    [InlineData("text}")]
    [InlineData("{}")]
    [InlineData("{a b}")]
    [InlineData("{a{b}")]
    [InlineData("{{text}")]
    public void Parse_BrokenBraces_ThrowsFormatException(string template) => Should.Throw<FormatException>(() => PromptTemplate.Parse(template));

    [Fact]
    public void Fill_MissingValue_NamesTheSlotAndWhatThereIs() =>
        Should.Throw<KeyNotFoundException>(() => PromptTemplate.Parse("{label}").Fill(Values(("text", "x")))).Message.ShouldContain("{label} has no value here; there are {text}");

    [Fact]
    public void Problem_UnknownMissingOrBrokenSlot_IsTold()
    {
        PromptTemplate.Problem("{text} {label}", ["text"], ["text"])!.ShouldContain("{label} is unknown here; allowed: {text}");
        PromptTemplate.Problem("plain", ["text"], ["text"])!.ShouldContain("{text} must be");
        PromptTemplate.Problem("{", ["text"], ["text"])!.ShouldContain("begins no slot");
        PromptTemplate.Problem("{text}", ["text", "language"], ["text"]).ShouldBeNull();
    }

    [Fact]
    public void Fill_AnyTextEscaped_GivesItBackAroundAnyValue() =>
        Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), ArbMap.Default.ArbFor<NonNull<string>>(), (text, value) =>
        {
            var escaped = text.Get.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal);
            return PromptTemplate.Parse(escaped + "{v}" + escaped).Fill(Values(("v", value.Get))) == text.Get + value.Get + text.Get;
        }).QuickCheckThrowOnFailure();

    private static Dictionary<string, string> Values(params (string Slot, string Value)[] values) => values.ToDictionary(v => v.Slot, v => v.Value, StringComparer.Ordinal);
}
