using XInstruct.Domain.Runs;

namespace XInstruct.Workflows.Steering;

/// <summary>The parts of a run that are paused, and the sentences that refuse what makes no sense. Each part is resumed as it was paused.</summary>
/// <param name="what">What is steered: run, job, training, chain.</param>
public sealed class PausedParts(string what)
{
    private readonly List<RunPart> _parts = [];

    /// <summary>In the order of the pauses.</summary>
    public IReadOnlyList<RunPart> All => [.. _parts];

    /// <summary>Whether everything is paused.</summary>
    public bool IsWhole => _parts.Any(p => p.IsWhole());

    /// <summary>Whether work is held back.</summary>
    public bool Holds(string? language, string stage) => _parts.Any(p => p.Holds(language, stage));

    /// <summary>Whether work is held back by a pause of a part of the run that it belongs to.</summary>
    public bool HoldsPart(string? language, string stage) => _parts.Any(p => !p.IsWhole() && p.Holds(language, stage));

    /// <summary>Pauses a part.</summary>
    public void Pause(RunPart part)
    {
        if (!_parts.Contains(part)) _parts.Add(part);
    }

    /// <summary>Resumes parts that were paused.</summary>
    /// <returns>Those that an intervention is about.</returns>
    public IReadOnlyList<RunPart> Resume(SteerInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        IReadOnlyList<RunPart> resumed = input.All ? All : [input.Part()];
        _parts.RemoveAll(resumed.Contains);
        return resumed;
    }

    /// <summary>Refuses to pause what is paused.</summary>
    /// <exception cref="InvalidOperationException">It is.</exception>
    public void CheckPause(SteerInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (_parts.Contains(input.Part())) throw new InvalidOperationException($"{Subject(input.Part())} is paused already. 'xinstruct resume' with the same options lets it go on.");
    }

    /// <summary>Refuses to resume what is not paused.</summary>
    /// <exception cref="InvalidOperationException">It is not.</exception>
    public void CheckResume(SteerInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.All ? _parts.Count > 0 : _parts.Contains(input.Part())) return;
        if (_parts.Count == 0) throw new InvalidOperationException($"The {what} is not paused.");
        throw new InvalidOperationException($"{Subject(input.Part())} is not paused by itself. Paused: {string.Join(", ", _parts.Select(Words))}. Resume just that, or all with --all.");
    }

    /// <summary>Refuses to steer a part of what is steered as a whole only.</summary>
    /// <exception cref="InvalidOperationException">A part is named.</exception>
    public void CheckWhole(SteerInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (!input.Part().IsWhole()) throw new InvalidOperationException($"A {what} is paused and resumed as a whole: leave --language and --stage out.");
    }

    /// <summary>Refuses a part that a run does not have.</summary>
    /// <param name="input">The intervention.</param>
    /// <param name="languages">The run's languages; none as long as they are not known.</param>
    /// <exception cref="InvalidOperationException">There is no such part.</exception>
    public static void CheckPart(SteerInput input, IReadOnlyList<string> languages)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(languages);
        if (input.Stage is { } stage && !RunPart.Stages.Contains(stage)) throw new InvalidOperationException($"A run has no stage '{stage}'. Its stages are {string.Join(", ", RunPart.Stages)}.");
        if (input.Language is { } language && languages.Count > 0 && !languages.Contains(language)) throw new InvalidOperationException($"The run has no language '{language}'. Its languages are {string.Join(", ", languages)}.");
    }

    private string Words(RunPart part) => part.IsWhole() ? $"the {what}" : part.ToString();

    private string Subject(RunPart part) => part.IsWhole() ? $"The {what}" : char.ToUpperInvariant(part.ToString()[0]) + part.ToString()[1..];
}
