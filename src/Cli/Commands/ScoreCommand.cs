using System.CommandLine;
using XInstruct.Activities.Jobs;

namespace XInstruct.Cli.Commands;

/// <summary><c>score</c>: how probable the continuations of a file are after their contexts.</summary>
internal static class ScoreCommand
{
    public static Command Create()
    {
        var job = new JobOptions();
        var context = new Option<string>("--context-column") { Description = "Column with what comes before.", DefaultValueFactory = _ => "context" };
        var continuation = new Option<string>("--continuation-column") { Description = "Column with what is scored.", DefaultValueFactory = _ => "continuation" };
        var keep = JobOptions.Keep();
        var batch = JobOptions.Number("--batch-tokens", 4096, 1, 1 << 24, "Tokens worked on together, padding counted. Part of what decides the last bits.");
        var command = new Command("score", "Works out the log-likelihood of the continuations of a file after their contexts: as a sum, a token, a character and a byte, and whether each token is the most probable one.");
        job.AddTo(command);
        foreach (var option in (Option[])[context, continuation, keep, batch]) command.Options.Add(option);
        command.SetAction(async (result, ct) =>
        {
            using var work = new ScoreJob(new ScoreOptions(job.Model(result))
            {
                ContextColumn = result.GetValue(context)!,
                ContinuationColumn = result.GetValue(continuation)!,
                Keep = JobOptions.Kept(result.GetValue(keep), ScoreJob.Columns),
                BatchTokens = result.GetValue(batch),
                Threads = job.Threads(result),
            });
            return await job.RunAsync(result, work, ct);
        });
        return command.WithExamples(
            "xinstruct score models/tiny --in pairs.jsonl --out scores.jsonl",
            "xinstruct score models/tiny --in choices.jsonl --out scores.jsonl --context-column question --continuation-column answer --keep id --json");
    }
}
