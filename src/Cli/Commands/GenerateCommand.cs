using System.CommandLine;
using XInstruct.Activities.Jobs;
using XInstruct.Training.Generation;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Cli.Commands;

/// <summary><c>generate</c>: continues the prompts of a file with a local model.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        var job = new JobOptions();
        var prompt = new Option<string>("--prompt-column") { Description = "Column with the prompt.", DefaultValueFactory = _ => "prompt" };
        var keep = JobOptions.Keep();
        var chat = new Option<bool>("--chat") { Description = "A prompt is a conversation, an array of messages, or a text that the user says: the model's chat template makes the prompt." };
        var template = new Option<string>("--template") { Description = "Which of the model's chat templates.", DefaultValueFactory = _ => TokenizerConfig.DefaultTemplate };
        var system = new Option<string?>("--system") { Description = "What the system says first in a conversation that does not begin so itself." };
        var most = JobOptions.Number("--max-new-tokens", 256, 1, 1 << 20, "New tokens of a row at most.");
        var temperature = JobOptions.Share("--temperature", 0, 0, 100, "Divides the logits; 0 takes the most probable token.");
        var topK = JobOptions.Number("--top-k", 0, 0, 1 << 20, "Keeps so many of the most probable tokens; 0 keeps all.");
        var topP = JobOptions.Share("--top-p", 1, 0, 1, "Keeps the smallest set of most probable tokens that has this probability.");
        var minP = JobOptions.Share("--min-p", 0, 0, 1, "Drops tokens less probable than this share of the most probable one.");
        var typicalP = JobOptions.Share("--typical-p", 1, 0, 1, "Keeps the smallest set of most typical tokens that has this probability.");
        var penalty = JobOptions.Share("--repetition-penalty", 1, 0.01, 100, "Makes tokens seen before less probable; 1 does nothing.");
        var ngram = JobOptions.Number("--no-repeat-ngram", 0, 0, 1024, "Forbids what would repeat a sequence of so many tokens; 0 does nothing.");
        var stop = new Option<string[]>("--stop") { Description = "A text that ends a continuation; may be given several times." };
        var seed = new Option<ulong>("--seed") { Description = "Seed; each row's own comes from it and the row's prompt, not from its place." };
        var batch = JobOptions.Number("--batch", 32, 1, 4096, "Rows worked on together. Part of what decides the last bits.");
        var context = JobOptions.Number("--max-context", 0, 0, 1 << 24, "Tokens of prompt and continuation at most; 0 for what the model was made for.");
        var command = new Command("generate", "Continues the prompts of a file with a local model, or answers them with --chat. A row that is bad gets an error, and the others go on.");
        job.AddTo(command);
        foreach (var option in (Option[])[prompt, keep, chat, template, system, most, temperature, topK, topP, minP, typicalP, penalty, ngram, stop, seed, batch, context]) command.Options.Add(option);
        command.SetAction(async (result, ct) =>
        {
            var rows = result.GetValue(batch);
            var options = new GenerateOptions(job.Model(result))
            {
                PromptColumn = result.GetValue(prompt)!,
                IsChat = result.GetValue(chat),
                Template = result.GetValue(template)!,
                System = result.GetValue(system),
                MaxNewTokens = result.GetValue(most),
                Sampling = new SamplingOptions
                {
                    Temperature = result.GetValue(temperature),
                    TopK = result.GetValue(topK),
                    TopP = result.GetValue(topP),
                    MinP = result.GetValue(minP),
                    TypicalP = result.GetValue(typicalP),
                    RepetitionPenalty = result.GetValue(penalty),
                    NoRepeatNgram = result.GetValue(ngram),
                },
                Seed = result.GetValue(seed),
                Stop = result.GetValue(stop) is { } stops && stops.All(s => s.Length > 0) ? stops : throw new UsageException("--stop is empty; a text that ends a continuation has at least one character."),
                Keep = JobOptions.Kept(result.GetValue(keep), GenerateJob.Columns),
                Engine = new EngineOptions
                {
                    MaxRows = rows,
                    TokenBudget = Math.Max(512, rows * 16),
                    MaxContext = result.GetValue(context) is > 0 and var given ? given : null,
                    Threads = job.Threads(result),
                },
            };
            using var work = new GenerateJob(options);
            return await job.RunAsync(result, work, ct);
        });
        return command.WithExamples(
            "xinstruct generate models/tiny --in prompts.jsonl --out answers.jsonl --max-new-tokens 64",
            "xinstruct generate models/tiny --in questions.jsonl --out answers.jsonl --chat --prompt-column question --keep id --temperature 0.7 --top-p 0.9 --seed 7",
            "xinstruct generate models/tiny --adapter adapters/sw --in prompts.jsonl --out answers.jsonl --stop '###' --json");
    }
}
