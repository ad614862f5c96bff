using XInstruct.Activities.Evaluation;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Models;
using XInstruct.Domain.Probing;
using XInstruct.Domain.Recipes;
using XInstruct.Training.Chat;
using XInstruct.Training.Probing;

namespace XInstruct.Activities.Probing;

/// <summary>The states of a window of items: vectors by layer and item.</summary>
/// <param name="Layers">Layers, the embedding being one.</param>
/// <param name="Width">Numbers of a vector.</param>
/// <param name="Rows">Rows of the items, from 1.</param>
/// <param name="Vectors">Of each layer the items' vectors.</param>
internal sealed record WindowStates(int Layers, int Width, IReadOnlyList<long> Rows, float[][][] Vectors);

/// <summary>Looks into a local model with the questions of a window.</summary>
/// <param name="folder">The model's folder.</param>
/// <param name="model">The model, loaded.</param>
/// <param name="asked">How it is asked.</param>
/// <param name="recipe">The recipe.</param>
internal sealed class ModelProbe(ModelFolder folder, LocalModel model, EvaluatedModel asked, ProbeRecipe recipe)
{
    private readonly PromptEncoder _prompts = new(model.Tokenizer, asked.Chat ? PromptEncoder.TemplateOf(folder) : null);

    /// <summary>The items under the logit lens, in their order.</summary>
    public IReadOnlyList<LensItem> Look(TaskUnit unit, IReadOnlyList<EvaluationItem> items, CancellationToken ct)
    {
        var prompts = items.Select(Encode).ToList();
        var english = unit.Task.Choices;
        var results = items.Select((item, i) => new LensItem(item.Row, item.Id, item.Answer is { } answer ? english[answer] : null, Error: prompts[i].Problem)).ToArray();
        if (items.FirstOrDefault(item => item.Problem is null) is not { } first) return results;
        // One file has one set of labels.
        var lens = new LogitLens(model.Tokenizer, english, first.Choices!);
        var open = new List<int>();
        for (var i = 0; i < items.Count; i++)
        {
            if (prompts[i].Problem is not null) continue;
            results[i] = results[i] with { Ambiguous = lens.Ambiguous };
            if (lens.Drops(items[i].Answer!.Value) is { } reason) results[i] = results[i] with { Dropped = reason };
            else open.Add(i);
        }

        var layers = lens.Look(model.Decoder, [.. open.Select(i => new LensRequest(prompts[i].Ids, items[i].Answer!.Value))], recipe.BatchTokens, recipe.Threads, ct);
        foreach (var (i, values) in open.Zip(layers))
            results[i] = values.All(IsNumber) ? results[i] with { Layers = [.. values.Select(Rounded)] } : results[i] with { Error = "no-number" };
        return results;
    }

    /// <summary>The mean states of the items that the model can read.</summary>
    public WindowStates States(IReadOnlyList<EvaluationItem> items, CancellationToken ct)
    {
        var open = items.Select(item => (item.Row, Prompt: Encode(item))).Where(entry => entry.Prompt.Problem is null).ToList();
        var means = LayerMeans.Of(model.Decoder, [.. open.Select(entry => entry.Prompt.Ids)], recipe.BatchTokens, recipe.Threads, ct);
        // One that is no number would make none of all the others.
        var kept = Enumerable.Range(0, open.Count).Where(i => means.All(layer => layer[i].All(float.IsFinite))).ToList();
        return new WindowStates(means.Length, model.Decoder.Config.HiddenSize, [.. kept.Select(i => open[i].Row)], [.. means.Select(layer => kept.Select(i => layer[i]).ToArray())]);
    }

    private (int[] Ids, string? Problem) Encode(EvaluationItem item)
    {
        if (item.Problem is { } problem) return ([], problem);
        try
        {
            var ids = _prompts.Encode(item.Prompt!, asked.System);
            return (ids, ids.Length == 0 ? "empty-prompt" : ids.Length > model.Decoder.Config.MaxPositions ? "prompt-too-long" : null);
        }
        catch (ChatTemplateException)
        {
            return ([], "bad-messages");
        }
    }

    private static bool IsNumber(LensValues values) => double.IsFinite(values.Entropy) && double.IsFinite(values.AllEnglish) && double.IsFinite(values.AllLocal ?? 0);

    private static LensValues Rounded(LensValues v) => new(Number(v.GoldEnglish), v.GoldLocal is { } gold ? Number(gold) : null, Number(v.AllEnglish), v.AllLocal is { } all ? Number(all) : null, Number(v.Entropy));

    private static double Number(double value) => Math.Round(value, 9);
}
