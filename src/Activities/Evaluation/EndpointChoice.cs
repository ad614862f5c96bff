using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Jobs;
using XInstruct.Domain.Evaluation;
using XInstruct.Domain.Prompts;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Statistics;

namespace XInstruct.Activities.Evaluation;

/// <summary>
/// Lets a model behind an endpoint choose, by the probabilities of a reply's likeliest first tokens. Labels are read off them as a local model's are; the
/// choices of a task stand below the prompt with letters, and the letters are read off: an endpoint tells no probability of a text that it is given.
/// </summary>
/// <param name="asked">The model.</param>
/// <param name="unit">The file.</param>
/// <param name="seed">Of the recipe; breaks ties.</param>
internal sealed class EndpointChoice(EvaluatedModel asked, TaskUnit unit, long seed)
{
    private const int Letters = 26;

    private readonly PromptTemplate? _system = asked.System is null ? PromptTemplate.Parse(Shipped(unit)) : null;

    /// <summary>What all calls share.</summary>
    public string Prompt => $"{asked.System ?? Shipped(unit)}\n\n{unit.Task.Prompt}";

    private bool IsLabel => unit.Task.Form == TaskForm.Label;

    /// <summary>Why an item cannot be asked, in a word; null when it can.</summary>
    public string? Refusal(EvaluationItem item) => !IsLabel && item.Choices!.Count > Letters ? "too-many-choices" : null;

    /// <summary>The call of an item.</summary>
    public ChatRequest Request(EvaluationItem item)
    {
        var names = Names(item);
        var system = _system?.Fill(new Dictionary<string, string>(StringComparer.Ordinal) { ["choices"] = string.Join(", ", names) }).Trim() ?? asked.System!;
        var user = IsLabel ? item.Prompt! : $"{item.Prompt}\n\n{string.Join('\n', names.Zip(item.Choices!, (name, choice) => $"{name}. {choice}"))}";
        return new ChatRequest(system, user, 1, 0, 1, 0, LogProbabilities: true, TopLogProbabilities: asked.TopLogProbabilities!.Value);
    }

    /// <summary>What an answer says.</summary>
    public ItemScore Read(ItemScore blank, EvaluationItem item, JobAnswer answer)
    {
        if (answer.Text is not { } told) return blank with { Error = answer.Reason ?? "failed" };
        var choice = FirstTokenChoice.Of(Names(item), FirstTokens.Parse(told), DeterministicRandom.SeedOf($"tie/{seed}/{item.Prompt}"));
        var untold = Math.Round(choice.Untold, 6);
        // Not a zero: each label has something between nothing and what is untold.
        if (choice.Chosen is not { } chosen) return blank with { Untold = untold, Error = "no-choice-told" };
        return blank with
        {
            Scores = [.. choice.Scores.Select(score => Math.Round(score, 6))],
            Predicted = chosen,
            Tie = choice.IsTie,
            Untold = untold,
            Uncertain = choice.IsUncertain,
            SharedIds = choice.Shared > 0 ? choice.Shared : null,
        };
    }

    private static string Shipped(TaskUnit unit) => EndpointPrompt.Shipped(unit.Task.Form == TaskForm.Label ? "evaluate-label" : "evaluate-choice");

    private IReadOnlyList<string> Names(EvaluationItem item) => IsLabel ? item.Choices! : [.. Enumerable.Range(0, item.Choices!.Count).Select(i => ((char)('A' + i)).ToString())];
}
