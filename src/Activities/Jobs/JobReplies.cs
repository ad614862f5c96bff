using Marten;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Jobs;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Jobs;

/// <summary>A call of a job.</summary>
/// <param name="Key">Names it in its stage, whichever part it is in.</param>
/// <param name="Request">What is asked.</param>
public sealed record JobCall(string Key, ChatRequest Request);

/// <summary>What an endpoint answered.</summary>
/// <param name="Text">The answer; null when there will be none.</param>
/// <param name="Reason">Why there is none, in a word.</param>
public sealed record JobAnswer(string? Text, string? Reason);

/// <summary>Asks endpoints for jobs. Each answer is an event of its own as soon as it is there: a part that is begun again asks only for the rest.</summary>
public sealed class JobReplies(IDocumentStore store, EventWriter writer, Contents contents, RunSettingsTable settings, ShardCalls calls)
{
    // Answers in one transaction, at most.
    private const int Group = 16;

    /// <summary>Asks all that has no answer yet, and returns the answers in the order of the calls.</summary>
    /// <param name="job">The job.</param>
    /// <param name="work">The part.</param>
    /// <param name="endpoint">Dotted key of the endpoint's options.</param>
    /// <param name="prompt">What all these calls share: system message and template.</param>
    /// <param name="rows">The calls.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="Temporalio.Exceptions.ApplicationFailureException">The endpoint cannot be used, or the budget is spent.</exception>
    public async Task<IReadOnlyList<JobAnswer>> AskAsync(JobContext job, JobWork work, string endpoint, string prompt, IReadOnlyList<JobCall> rows, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(work);
        var recipe = job.Document.Hash;
        var known = await KnownAsync(recipe, work.Stage, rows, ct);
        var settingsOfIt = (await settings.FindAsync<JobEndpoints>(job.Id, ct))?.Endpoints.GetValueOrDefault(endpoint)
            ?? throw new JobException($"Job {job.Id} has no settings of {endpoint}. Start it with its recipe, which writes them.");
        work.Device = $"{settingsOfIt.BaseUrl} {settingsOfIt.Model}";
        var act = new Act($"{job.Document.Kind}/{work.Stage}", CodeVersion.Current, Prompt: ContentHash.Of(prompt), Device: work.Device);
        var scope = new CallScope(job.Id, work.Stage, "", FormattableString.Invariant($"{work.Part}"));
        await calls.RunAsync(scope, settingsOfIt, [.. rows.Where(r => !known.ContainsKey(r.Key))], r => r.Request, Group, CommitAsync, ct);
        known = await KnownAsync(recipe, work.Stage, rows, ct);
        var texts = await contents.ReadAsync([.. known.Values.Select(r => r.Reply).OfType<string>()], ct);
        return [.. rows.Select(r => known[r.Key]).Select(r => new JobAnswer(r.Reply is { } hash ? texts[hash] : null, r.Reason))];

        async Task CommitAsync(IReadOnlyList<Answered<JobCall>> answers, CancellationToken token)
        {
            var changes = answers.Select(answer =>
            {
                var stream = Identity.JobReplyStream(recipe, work.Stage, answer.Row.Key);
                var text = (answer.Outcome as ChatReply)?.Text;
                var replied = new JobReplied(work.Stage, answer.Row.Key, text is null ? null : ContentHash.Of(text), (answer.Outcome as ChatRefusal)?.Reason);
                List<Content> stored = text is null ? [Content.Of(Guid.Empty, prompt)] : [Content.Of(Guid.Empty, prompt), Content.Of(Guid.Empty, text)];
                return new Change<JobReply>(stream, stream, reply => JobReply.Record(reply, replied) is { } e ? new Fact(e, stored, answer.Paid.Cost) : null);
            }).ToList();
            await writer.WriteAsync(job.Id, act, changes, token, (session, written) => BudgetBook.QueueSettlement(
                session, scope, [.. answers.Where((_, i) => written[i]).Select(a => a.Paid)], [.. answers.Where((_, i) => !written[i]).Select(a => a.Paid)]));
            work.Advance(answers.Count);
        }
    }

    private async Task<Dictionary<string, JobReplied>> KnownAsync(string recipe, string stage, IReadOnlyList<JobCall> rows, CancellationToken ct)
    {
        await using var session = store.QuerySession();
        var replies = await session.LoadManyAsync<JobReply>(ct, rows.Select(r => Identity.JobReplyStream(recipe, stage, r.Key)).ToArray());
        return replies.ToDictionary(r => r.Replied!.Key, r => r.Replied!, StringComparer.Ordinal);
    }
}
