namespace XInstruct.Domain.Runs;

/// <summary>A part of a run: of all its languages or of one, of all its stages or of one.</summary>
/// <param name="Language">Language; null for all of them.</param>
/// <param name="Stage">One of <see cref="Stages"/>; null for all of them.</param>
public sealed record RunPart(string? Language, string? Stage)
{
    /// <summary>All of it.</summary>
    public static RunPart Whole { get; } = new(null, null);

    /// <summary>The stages of a run in the order of its work; those of the loop come again in each iteration.</summary>
    public static IReadOnlyList<string> Stages { get; } = ["ingest", "train", "generate", "rate", "keep", "embed", "diversify", "release", "evaluate"];

    /// <summary>Whether it is all of the run.</summary>
    public bool IsWhole() => Language is null && Stage is null;

    /// <summary>Whether work belongs to this part.</summary>
    /// <param name="language">Language of the work; null for work on all languages at once.</param>
    /// <param name="stage">Stage of the work.</param>
    public bool Holds(string? language, string stage) => (Language is null || Language == language) && (Stage is null || Stage == stage);

    /// <summary>The part in words, e.g. <c>generate of sw</c>.</summary>
    public override string ToString() => (Language, Stage) switch
    {
        (null, null) => "the run",
        (null, { } stage) => stage,
        ({ } language, null) => language,
        var (language, stage) => $"{stage} of {language}",
    };
}

/// <summary>What the interventions in a run, a job or a training come to.</summary>
public static class Steering
{
    /// <summary>An intervention, unless it is recorded already: an activity may be done twice.</summary>
    public static object? Record(IReadOnlyList<RunSteered> before, RunSteered command) =>
        command.Request is { } request && before.Any(s => s.Request == request) ? null : command;

    /// <summary>The pauses that hold, in their order: each until someone resumes the same part.</summary>
    public static IReadOnlyList<RunSteered> Paused(IEnumerable<RunSteered> steered)
    {
        var paused = new List<RunSteered>();
        foreach (var command in steered.Where(s => s.Command is "pause" or "resume"))
        {
            paused.RemoveAll(p => p.Part() == command.Part());
            if (command.Command == "pause") paused.Add(command);
        }

        return paused;
    }

    /// <summary>What was paused as a whole and has been started again goes on; nothing when it was not paused.</summary>
    public static object? GoOn(IReadOnlyList<RunSteered> steered) => Paused(steered).Count > 0 ? new RunSteered("resume", null, "started again") : null;

    /// <summary>What was said of each iteration: whether it is approved.</summary>
    public static IReadOnlyDictionary<int, bool> Verdicts(IEnumerable<RunSteered> steered)
    {
        var verdicts = new SortedDictionary<int, bool>();
        foreach (var command in steered.Where(s => s.Command is "approve" or "reject" && s.Iteration is not null)) verdicts.TryAdd(command.Iteration!.Value, command.Command == "approve");
        return verdicts;
    }

    /// <summary>What it is about.</summary>
    public static RunPart Part(this RunSteered command)
    {
        ArgumentNullException.ThrowIfNull(command);
        return new RunPart(command.Language, command.Stage);
    }
}
