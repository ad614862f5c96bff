using System.Collections.Immutable;
using System.Globalization;

namespace XInstruct.Domain.Runs;

/// <summary>A setting that may change while a run is under way.</summary>
/// <param name="Key">Its name.</param>
/// <param name="Least">Least value.</param>
/// <param name="Most">Greatest value.</param>
/// <param name="IsWhole">Whole numbers only.</param>
/// <param name="Remote">Only of a role behind an endpoint: generator or evaluator.</param>
/// <param name="ChangesResults">Whether samples come out otherwise: then the act of each of their events says so.</param>
public sealed record SteeredKey(string Key, double Least, double Most, bool IsWhole, string? Remote = null, bool ChangesResults = false)
{
    /// <summary>All of them but the models' names, which are no numbers.</summary>
    public static IReadOnlyList<SteeredKey> All { get; } = [new("concurrency", 1, 64, true), new("budget", 0, 1e9, false), .. Role("generator"), .. Role("evaluator")];

    private static IEnumerable<SteeredKey> Role(string role)
    {
        // A local generator samples; a local evaluator does not.
        var sampled = role == "generator" ? null : role;
        return
        [
            new($"{role}.temperature", 0, 10, false, sampled, true),
            new($"{role}.topP", 0, 1, false, sampled, true),
            new($"{role}.maxNewTokens", 1, 100_000, true, sampled, true),
            new($"{role}.concurrency", 1, 1024, true, role),
            new($"{role}.tries", 1, 100, true, role),
            new($"{role}.timeout", 1, 3600, false, role),
            new($"{role}.requestsPerMinute", 0, int.MaxValue, true, role),
            new($"{role}.tokensPerMinute", 0, int.MaxValue, true, role),
            new($"{role}.usdPerMillionIn", 0, 1_000_000, false, role),
            new($"{role}.usdPerMillionOut", 0, 1_000_000, false, role),
        ];
    }
}

/// <summary>
/// What was set while a run was under way, over what its recipe says. Settings come in revisions, one for each event; a shard works with one revision, whoever
/// does it and however often.
/// </summary>
public static class SteeredSettings
{
    /// <summary>How a budget without a limit is written.</summary>
    public const string None = "none";

    private const string Command = "set";

    /// <summary>Reads <c>key=value</c> pairs; keys may be written as in a recipe.</summary>
    /// <param name="run">Run id, for what is said.</param>
    /// <param name="sets">The pairs.</param>
    /// <param name="remoteGenerator">The generator is behind an endpoint.</param>
    /// <param name="remoteEvaluator">So is the evaluator.</param>
    /// <returns>Values by key, each written in one way.</returns>
    /// <exception cref="InvalidOperationException">One cannot be set so; the message names the way out.</exception>
    public static IReadOnlyDictionary<string, string> Parse(string run, IEnumerable<string> sets, bool remoteGenerator, bool remoteEvaluator)
    {
        ArgumentNullException.ThrowIfNull(sets);
        var values = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var set in sets)
        {
            var equals = set.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0) throw new InvalidOperationException($"'{set}' is not key=value, e.g. --set concurrency=4.");
            var (key, value) = (Short(set[..equals].Trim()), set[(equals + 1)..].Trim());
            values[key] = Value(run, key, value, set, role => role == "generator" ? remoteGenerator : remoteEvaluator);
        }

        return values.Count > 0 ? values.ToImmutable() : throw new InvalidOperationException("Say what to set, e.g. --set concurrency=4.");
    }

    /// <summary>How many revisions of settings there are.</summary>
    public static int Revision(IEnumerable<RunSteered> steered) => steered.Count(s => s.Command == Command);

    /// <summary>What holds at a revision: of each key the newest value.</summary>
    /// <param name="steered">The run's interventions.</param>
    /// <param name="revision">So many changes of settings count.</param>
    public static IReadOnlyDictionary<string, string> At(IEnumerable<RunSteered> steered, int revision)
    {
        var values = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in steered.Where(s => s.Command == Command).Take(revision).SelectMany(s => s.Set ?? ImmutableSortedDictionary<string, string>.Empty)) values[key] = value;
        return values.ToImmutable();
    }

    /// <summary>Whether samples come out otherwise by a key.</summary>
    public static bool ChangesResults(string key) => key.EndsWith(".model", StringComparison.Ordinal) || SteeredKey.All.Any(k => k.Key == key && k.ChangesResults);

    /// <summary>A number among the values; null when it is not set.</summary>
    public static double? Number(this IReadOnlyDictionary<string, string> values, string key)
    {
        ArgumentNullException.ThrowIfNull(values);
        return values.TryGetValue(key, out var text) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    /// <summary>A recipe's key as it is written here.</summary>
    private static string Short(string key) => key switch
    {
        "plan.window" => "concurrency",
        "budget.usd" => "budget",
        _ when key.StartsWith("models.", StringComparison.Ordinal) => key["models.".Length..].Replace(".api.", ".", StringComparison.Ordinal).Replace(".sampling.", ".", StringComparison.Ordinal),
        _ => key,
    };

    private static string Value(string run, string key, string text, string set, Func<string, bool> isRemote)
    {
        if (key is "generator.model" or "evaluator.model")
        {
            var role = key.Split('.')[0];
            if (!isRemote(role)) throw new InvalidOperationException($"The {role} of run {run} is a local model, trained in the run: another one makes another run: start one with xinstruct run RECIPE --set models.{set}");
            return text.Length is > 0 and <= 200 ? text : throw new InvalidOperationException($"{key} is the name of a model, as the endpoint knows it.");
        }

        if (SteeredKey.All.FirstOrDefault(k => k.Key == key) is not { } known)
        {
            throw new InvalidOperationException(
                $"'{key}' cannot change while a run is under way: what it decides is in samples that are there. What can: {string.Join(", ", SteeredKey.All.Select(k => k.Key))}, generator.model, evaluator.model. {WayOut(run, "generate", set)}");
        }

        if (known.Remote is { } remote && !isRemote(remote)) throw new InvalidOperationException($"The {remote} of run {run} is a local model: {key} is a setting of an endpoint.");
        if (key == "budget")
        {
            if (!isRemote("generator") && !isRemote("evaluator")) throw new InvalidOperationException($"Run {run} calls no endpoint: there is nothing to pay.");
            if (text == None) return text;
        }

        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) || !(number >= known.Least && number <= known.Most) || (known.IsWhole && number != Math.Floor(number)))
        {
            var kind = known.IsWhole ? "whole number" : "number";
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{key} is a {kind} from {known.Least:0.####} to {known.Most:0}{(key == "budget" ? $", or {None}" : "")}; '{text}' is not."));
        }

        return number.ToString("R", CultureInfo.InvariantCulture);
    }

    private static string WayOut(string run, string stage, string set) => $"A run of its own can have it: xinstruct fork {run} RECIPE --from {stage} --set {set}";
}
