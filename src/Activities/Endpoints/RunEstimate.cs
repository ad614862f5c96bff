using System.Security.Cryptography;
using System.Text;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Costs;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Texts;

namespace XInstruct.Activities.Endpoints;

/// <summary>What the calls of one stage and language will probably come to.</summary>
/// <param name="Texts">Texts that pass the filters of length and form; near-duplicates and other languages are still among them.</param>
/// <param name="Requests">Calls, all iterations together, without those made again; 0 for a local model.</param>
/// <param name="TokensIn">Tokens read, about.</param>
/// <param name="TokensOut">Tokens written, about.</param>
/// <param name="Usd">US dollars, about.</param>
/// <param name="UsdAtMost">US dollars if every byte were a token and every reply as long as it may be.</param>
public sealed record CallEstimate(string Stage, string Language, long Texts, long Requests, long TokensIn, long TokensOut, decimal Usd, decimal UsdAtMost);

/// <summary>Looks at a recipe's corpora and says what its calls will cost. Starts nothing and asks nobody.</summary>
public static class RunEstimate
{
    // What usual replies have: one to three sentences, and a judgement of as many with its score.
    private const int InstructionTokens = 60;
    private const int VerdictTokens = 100;

    /// <summary>An instruction of the usual length, for the evaluator's prompt.</summary>
    private static readonly string Instruction = new('x', InstructionTokens * 4);

    /// <summary>Estimates by stage, then language as in the recipe.</summary>
    public static async Task<IReadOnlyList<CallEstimate>> OfAsync(LoadedRecipe loaded, CancellationToken ct)
    {
        var recipe = loaded.Recipe;
        var (generator, evaluator) = (recipe.Models.Generator, recipe.Models.Evaluator);
        var lines = new List<CallEstimate>();
        foreach (var language in recipe.Languages)
        {
            var (write, rate) = (new Sum("generate", language, generator, InstructionTokens), new Sum("rate", language, evaluator, VerdictTokens));
            await foreach (var text in TextsAsync(recipe, language, ct))
            {
                write.Add(text);
                rate.Add(text);
            }

            lines.Add(write.Line(recipe.Refine.Iterations + 1));
            lines.Add(rate.Line(recipe.Refine.Iterations + 1));
        }

        return [.. lines.OrderBy(l => l.Stage, StringComparer.Ordinal)];
    }

    private static async IAsyncEnumerable<string> TextsAsync(Recipe recipe, string language, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        var corpus = recipe.Corpus;
        var filters = new FilterOptions { MinChars = corpus.MinChars, MaxChars = corpus.MaxChars };
        var seen = new HashSet<UInt128>();
        await foreach (var row in TableReader.ReadAsync(LoadedRecipe.PathFor(corpus.Path, language), new TableReadOptions(corpus.MaxRowBytes), ct))
        {
            if (row.Columns is null || row.Find(corpus.Text) is not { } text || TextFilters.Reject(text, filters, out var normal) is not null) continue;
            if (seen.Add(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(normal))))) yield return normal;
        }
    }

    private sealed class Sum(string stage, string language, RemotableModelOptions model, int reply)
    {
        private readonly EndpointPrompt? _prompt = model.Api is { } api
            ? new EndpointPrompt(model, api.PromptFile is { } file ? File.ReadAllText(LoadedRecipe.PathFor(file, language)) : EndpointPrompt.Shipped(stage == "rate" ? "evaluator" : "generator", api.Structured))
            : null;

        private long _texts;
        private long _likely;
        private long _atMost;

        public void Add(string text)
        {
            _texts++;
            if (_prompt?.Request(text, Instruction, language, "") is not { } request) return;
            _likely += request.TokensLikely;
            _atMost += request.TokensAtMost;
        }

        public CallEstimate Line(int iterations)
        {
            if (model.Api is not { } api) return new CallEstimate(stage, language, _texts, 0, 0, 0, 0, 0);
            var price = ModelPrice.For(api) ?? new ModelPrice(0, 0);
            var requests = _texts * iterations;
            var (read, written) = (_likely * iterations, requests * Math.Min(reply, model.Sampling.MaxNewTokens));
            return new CallEstimate(stage, language, _texts, requests, read, written, price.Of(read, written), price.Of(_atMost * iterations, requests * model.Sampling.MaxNewTokens));
        }
    }
}
