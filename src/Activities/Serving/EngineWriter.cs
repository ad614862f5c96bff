using System.Runtime.CompilerServices;
using XInstruct.Training.Generation;

namespace XInstruct.Activities.Serving;

/// <summary>Replies by an engine, which works on all of them together.</summary>
/// <param name="engine">The engine.</param>
/// <param name="ends">Ids that end a reply.</param>
internal sealed class EngineWriter(GenerationEngine engine, IReadOnlyList<int> ends) : ITextWriter
{
    /// <inheritdoc/>
    public async IAsyncEnumerable<TextStep> WriteAsync(TextRequest request, [EnumeratorCancellation] CancellationToken ct)
    {
        var generation = engine.Submit(
            new EngineRequest(request.Prompt)
            {
                MaxNewTokens = request.MaxNewTokens,
                Sampling = request.Sampling,
                Seed = request.Seed,
                StopIds = ends,
                StopTexts = request.Stops,
                TopLogProbabilities = request.Alternatives,
            },
            ct);
        await foreach (var token in generation.WithCancellation(ct))
        {
            yield return new TextStep(ends.Contains(token.Id) ? null : token.Id, token.Text, token.LogProbability, [.. token.Alternatives.Select(a => new TokenChance(a.Id, a.LogProbability))], null);
        }

        var reason = await generation.Completion;
        ct.ThrowIfCancellationRequested();
        if (reason == FinishReason.Cancelled) throw new GenerationFailedException("The model is being closed.");
        yield return new TextStep(null, "", 0, [], reason == FinishReason.Stop ? "stop" : "length", Written: 0);
    }
}
