using System.Globalization;
using System.Text;

namespace XInstruct.Cli.Chaos;

/// <summary>What chaos did to a recipe's runs and what became of them: enough to do it again, and to believe it.</summary>
public sealed record ChaosCertificate
{
    /// <summary>Path of the recipe as it was given.</summary>
    public string Recipe { get; init; } = "";

    /// <summary>Id of the run, which follows from the recipe and its inputs.</summary>
    public string Run { get; init; } = "";

    /// <summary>What built it.</summary>
    public string Code { get; init; } = "";

    /// <summary>Seed of kills, faults and outages.</summary>
    public int Seed { get; init; }

    /// <summary>Worker processes beside the run's own.</summary>
    public int Workers { get; init; }

    /// <summary>Runs that were disturbed, each from its beginning to its end.</summary>
    public int Rounds { get; init; }

    /// <summary>SIGKILLs by the place in the work at which they fell.</summary>
    public SortedDictionary<string, int> Kills { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Times that all connections to PostgreSQL were cut, that it refused everybody for some seconds, that it was restarted, and answers to writes that were lost with their connection.</summary>
    public SortedDictionary<string, int> Outages { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Replies that went wrong, by kind: early (429), error (500), cut, lost (the work was done and billed), slow.</summary>
    public SortedDictionary<string, int> Faults { get; init; } = new(StringComparer.Ordinal);

    /// <summary>SHA-256 of the undisturbed release.</summary>
    public string Release { get; init; } = "";

    /// <summary>Disturbed runs with another release.</summary>
    public int ReleasesChanged { get; init; }

    /// <summary>Events of an undisturbed run.</summary>
    public int Events { get; init; }

    /// <summary>Events of the undisturbed run that a disturbed one lacks.</summary>
    public int EventsLost { get; init; }

    /// <summary>Events that a disturbed run has and the undisturbed one has not, or more often than that.</summary>
    public int EventsDuplicated { get; init; }

    /// <summary>Prompts that were asked in disturbed runs.</summary>
    public int Prompts { get; init; }

    /// <summary>Replies that went out whole for prompts that had all those of an undisturbed run: work that a user would have paid again.</summary>
    public int PaidAgain { get; init; }

    /// <summary>Calls that were reserved and not settled at a kill: only so many may be paid again.</summary>
    public int InFlight { get; init; }

    /// <summary>What else was wrong.</summary>
    public IReadOnlyList<string> Findings { get; init; } = [];

    /// <summary>Seconds that all of it took.</summary>
    public double Seconds { get; init; }

    /// <summary>Whether nothing was lost, duplicated, changed or paid twice.</summary>
    public bool IsClean => ReleasesChanged == 0 && EventsLost == 0 && EventsDuplicated == 0 && PaidAgain <= InFlight && Findings.Count == 0;

    /// <summary>The certificate in words.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        void Line(FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
        static string List(SortedDictionary<string, int> counts) => counts.Count == 0 ? "none" : string.Join(", ", counts.Select(c => $"{c.Value} {c.Key}"));
        Line($"Run {Run} of {Recipe}, XInstruct {Code}, seed {Seed}");
        Line($"  disturbed runs   {Rounds}, by {Workers + 1} processes");
        Line($"  kills            {Kills.Values.Sum()}: {List(Kills)}");
        Line($"  PostgreSQL       {List(Outages)}");
        if (Prompts > 0) Line($"  replies          {List(Faults)}");
        Line($"  release          {(ReleasesChanged == 0 ? "the same in all, " : $"another in {ReleasesChanged} runs than ")}{Release}");
        Line($"  events           {Events} a run; {EventsLost} lost, {EventsDuplicated} duplicated");
        if (Prompts > 0) Line($"  calls            {Prompts} prompts, {PaidAgain} paid again; {InFlight} were under way at a kill");
        foreach (var finding in Findings) Line($"  {finding}");
        string?[] wrong =
        [
            ReleasesChanged > 0 ? "releases differ" : null, EventsLost > 0 ? "events are lost" : null, EventsDuplicated > 0 ? "events are duplicated" : null,
            PaidAgain > InFlight ? "more was paid again than was under way" : null, Findings.Count > 0 ? "see the findings" : null,
        ];
        text.Append(IsClean ? "Clean: nothing lost, nothing duplicated, nothing paid twice." : $"NOT clean: {string.Join("; ", wrong.OfType<string>())}.");
        return text.ToString();
    }
}
