using XInstruct.Training.Models;
using XInstruct.Training.Tokenizers;
using static TorchSharp.torch;
using Decoder = XInstruct.Training.Models.Decoder;

namespace XInstruct.Training.Generation;

/// <summary>A finished continuation.</summary>
/// <param name="Tokens">Its tokens; a stop id that ended it is the last.</param>
/// <param name="Reason">Why it ended; null when it failed.</param>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="Error">Why it failed; null when it did not.</param>
public sealed record GenerationResult(IReadOnlyList<GeneratedToken> Tokens, FinishReason? Reason, int PromptTokens, Exception? Error)
{
    /// <summary>Its text.</summary>
    public string Text => string.Concat(Tokens.Select(token => token.Text));

    /// <summary>Σ log p(token | all before it) under the model itself, natural logarithm.</summary>
    public double LogLikelihood => Tokens.Sum(token => (double)token.LogProbability);
}

/// <summary>
/// Continues a fixed list of prompts as an engine does, on the caller's thread and from an empty cache: which tokens are worked out together is
/// decided by the list and the options alone, so the same list gives the same bytes, however often it is begun again.
/// </summary>
public static class GenerationWindow
{
    /// <summary>Continues the prompts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="requests">The prompts. One that is wrong or fails has an error as its result.</param>
    /// <param name="options">What may be used.</param>
    /// <param name="done">Gets each result with its place in the list, in the order of the list.</param>
    /// <param name="progress">Called after each step.</param>
    /// <param name="cancellation">Stops between two steps.</param>
    public static void Run(
        Decoder model,
        TextTokenizer? tokenizer,
        IReadOnlyList<EngineRequest> requests,
        EngineOptions options,
        Action<int, GenerationResult> done,
        Action<EngineStatus>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(requests);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(done);
        GenerationEngine.Check(options);
        using var noGrad = no_grad();
        set_num_threads(options.Threads);
        model.eval();
        using var steps = new EngineSteps(model, options);
        var rows = requests.Select(request => Begin(request, model, options, tokenizer)).ToList();
        var waiting = new Queue<EngineRow>(rows.Select(row => row.Row).OfType<EngineRow>());
        var next = 0;
        while (true)
        {
            while (next < rows.Count && rows[next].Row?.IsDone != false)
            {
                done(next, Result(requests[next], rows[next]));
                rows[next++] = default;
            }

            if (next == rows.Count) return;
            cancellation.ThrowIfCancellationRequested();
            while (!steps.IsFull && waiting.TryDequeue(out var row)) steps.Add(row);
            steps.Step();
            progress?.Invoke(steps.Status);
        }
    }

    private static (EngineRow? Row, Exception? Error) Begin(EngineRequest request, Decoder model, EngineOptions options, TextTokenizer? tokenizer)
    {
        try
        {
            return (EngineRow.Of(request, model.Config, options, tokenizer, () => { }), null);
        }
        catch (ArgumentException error)
        {
            return (null, error);
        }
    }

    private static GenerationResult Result(EngineRequest request, (EngineRow? Row, Exception? Error) row)
    {
        var generation = row.Row?.Generation;
        return new GenerationResult(generation?.Taken() ?? [], generation?.FinishReason, request.Prompt.Count, row.Error ?? generation?.Completion.Exception?.InnerException);
    }
}
