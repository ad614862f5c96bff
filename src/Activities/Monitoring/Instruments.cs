using System.Diagnostics;
using System.Diagnostics.Metrics;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Monitoring;

/// <summary>What this process counts of its work. Named as OpenTelemetry names instruments; units are base units.</summary>
public static class Instruments
{
    /// <summary>Name of the meter.</summary>
    public const string Meter = "XInstruct";

    private static readonly Meter Source = new(Meter);

    private static readonly UpDownCounter<long> Running = Source.CreateUpDownCounter<long>("xinstruct.activities.running", description: "Activities under way.");
    private static readonly Histogram<double> Activities = Source.CreateHistogram<double>("xinstruct.activity.duration", "s", "Attempts of activities by outcome: completed, failed or canceled.", advice: Buckets(0.01, 0.1, 1, 10, 60, 600, 3600, 36_000));
    private static readonly Counter<long> Failures = Source.CreateCounter<long>("xinstruct.activity.failures", description: "Attempts that failed, by reason.");
    private static readonly Counter<long> Events = Source.CreateCounter<long>("xinstruct.events", description: "Events that this process committed, by type.");
    private static readonly Counter<long> Tokens = Source.CreateCounter<long>("xinstruct.tokens", description: "Tokens on committed events, read (in) and written (out) by models.");
    private static readonly Counter<double> Money = Source.CreateCounter<double>("xinstruct.cost", "USD", "US dollars on committed events.");
    private static readonly Histogram<double> Commits = Source.CreateHistogram<double>("xinstruct.database.commit.duration", "s", "Transactions that append events, from the first read to the commit.", advice: Buckets(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10));
    private static readonly Histogram<double> Calls = Source.CreateHistogram<double>("xinstruct.endpoint.call.duration", "s", "Calls to endpoints by outcome: reply, refused, early (429), failed, unreached or unusable.", advice: Buckets(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300));
    private static readonly Counter<long> Rows = Source.CreateCounter<long>("xinstruct.rows.failed", description: "Rows that ended without a reply, by reason.");

    /// <summary>An attempt of an activity begins.</summary>
    public static void ActivityBegan(string queue) => Running.Add(1, new KeyValuePair<string, object?>("queue", queue));

    /// <summary>An attempt of an activity ended.</summary>
    /// <param name="queue">Task queue.</param>
    /// <param name="activity">Its type.</param>
    /// <param name="outcome">completed, failed or canceled.</param>
    /// <param name="reason">Why it failed, in a word.</param>
    /// <param name="time">How long it took.</param>
    public static void ActivityEnded(string queue, string activity, string outcome, string? reason, TimeSpan time)
    {
        Running.Add(-1, new KeyValuePair<string, object?>("queue", queue));
        Activities.Record(time.TotalSeconds, new TagList { { "queue", queue }, { "activity", activity }, { "outcome", outcome } });
        if (reason is not null) Failures.Add(1, new TagList { { "activity", activity }, { "reason", reason } });
    }

    /// <summary>A transaction with events was committed.</summary>
    public static void Committed(IEnumerable<(string Type, Cost Cost)> events, TimeSpan time)
    {
        foreach (var group in events.GroupBy(e => e.Type))
        {
            Events.Add(group.Count(), new KeyValuePair<string, object?>("type", group.Key));
            Tokens.Add(group.Sum(e => e.Cost.TokensIn), new KeyValuePair<string, object?>("direction", "in"));
            Tokens.Add(group.Sum(e => e.Cost.TokensOut), new KeyValuePair<string, object?>("direction", "out"));
            Money.Add((double)group.Sum(e => e.Cost.Usd));
        }

        Commits.Record(time.TotalSeconds);
    }

    /// <summary>A call to an endpoint ended.</summary>
    public static void Called(string stage, string model, string outcome, TimeSpan time) =>
        Calls.Record(time.TotalSeconds, new TagList { { "stage", stage }, { "model", model }, { "outcome", outcome } });

    /// <summary>A row will have no reply.</summary>
    public static void RowFailed(string stage, string reason) => Rows.Add(1, new TagList { { "stage", stage }, { "reason", reason } });

    private static InstrumentAdvice<double> Buckets(params double[] bounds) => new() { HistogramBucketBoundaries = bounds };
}
