using XInstruct.Domain.Statistics;

namespace XInstruct.Domain.Tests.Statistics;

public sealed class InstructionPhraseTests
{
    [Theory]
    [InlineData("Write a short story about a cat.", "write", "story")]
    [InlineData("Please explain the main idea of this text", "explain", "idea")]
    [InlineData("Could you tell me a joke?", "tell", "joke")]
    [InlineData("Compare two options about health in Turkish.", "compare", "options")]
    [InlineData("List, in order, the planets.", "list", "order")]
    [InlineData("Give step-by-step advice, then a summary", "give", "advice")]
    [InlineData("Describe what a computer's memory does", "describe", "does")]
    [InlineData("Summarise.", "summarise", null)]
    [InlineData("What is the capital of Kenya?", "what", "capital")]
    [InlineData("1. Translate: hello", "translate", "hello")]
    [InlineData("écrire une lettre", "écrire", "lettre")]
    public void Of_Instruction_GivesFirstWordAndHeadOfThePhrase(string instruction, string verb, string? head) =>
        InstructionPhrase.Of(instruction).ShouldBe(new InstructionPhrase(verb, head));

    [Theory]
    [InlineData("")]
    [InlineData(" 123 -- ?")]
    [InlineData("please")]
    public void Of_NoWord_GivesNothing(string instruction) => InstructionPhrase.Of(instruction).ShouldBeNull();
}
