using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace XInstruct.Activities.Monitoring;

/// <summary>
/// Adds up what instruments say and writes it in the Prometheus text exposition format 0.0.4. Names follow the OpenTelemetry rules for Prometheus: dots
/// become underscores, the unit and, of counters, <c>_total</c> are put behind.
/// </summary>
public sealed class PrometheusText : IDisposable
{
    /// <summary>Content type of <see cref="Write"/>.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private static readonly double[] UsualBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<Instrument, ConcurrentDictionary<string, Series>> _families = [];

    /// <summary>Listens from now on.</summary>
    /// <param name="meters">Names of the meters that are told of.</param>
    public PrometheusText(params IReadOnlyCollection<string> meters)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (meters.Contains(instrument.Meter.Name)) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<int>((i, value, tags, _) => Measure(i, value, tags));
        _listener.SetMeasurementEventCallback<long>((i, value, tags, _) => Measure(i, value, tags));
        _listener.SetMeasurementEventCallback<double>((i, value, tags, _) => Measure(i, value, tags));
        _listener.Start();
    }

    /// <summary>Everything so far.</summary>
    public string Write()
    {
        // What is not observed any more is gone.
        foreach (var (instrument, series) in _families) if (instrument.IsObservable) series.Clear();
        _listener.RecordObservableInstruments();
        var text = new StringBuilder();
        foreach (var family in _families.Where(f => !f.Value.IsEmpty).GroupBy(f => NameOf(f.Key)).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            var first = family.First().Key;
            if (first.Description is { Length: > 0 } help) text.Append("# HELP ").Append(family.Key).Append(' ').Append(help.Replace("\\", "\\\\").Replace("\n", "\\n")).Append('\n');
            text.Append("# TYPE ").Append(family.Key).Append(' ').Append(TypeOf(first)).Append('\n');
            foreach (var (labels, series) in family.SelectMany(f => f.Value).OrderBy(s => s.Key, StringComparer.Ordinal)) series.Write(text, family.Key, labels);
        }

        return text.ToString();
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    private void Measure(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new StringBuilder();
        foreach (var (name, content) in tags)
        {
            var text = Convert.ToString(content, CultureInfo.InvariantCulture) ?? "";
            labels.Append(labels.Length > 0 ? "," : "").Append(Clean(name)).Append("=\"").Append(text.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n")).Append('"');
        }

        var isHistogram = TypeOf(instrument) == "histogram";
        var series = _families.GetOrAdd(instrument, _ => new(StringComparer.Ordinal))
            .GetOrAdd(labels.ToString(), _ => new Series(isHistogram ? (instrument as Histogram<double>)?.Advice?.HistogramBucketBoundaries?.ToArray() ?? UsualBounds : null));
        // Observed counters say their sum, others what is added to it; a gauge says where it is.
        series.Measure(value, isLast: instrument.IsObservable || IsOf(instrument, typeof(Gauge<>)));
    }

    private static string TypeOf(Instrument instrument) =>
        IsOf(instrument, typeof(Counter<>)) || IsOf(instrument, typeof(ObservableCounter<>)) ? "counter" : IsOf(instrument, typeof(Histogram<>)) ? "histogram" : "gauge";

    private static bool IsOf(Instrument instrument, Type kind) => instrument.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == kind;

    private static string NameOf(Instrument instrument)
    {
        var unit = instrument.Unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            "1" or null => "",
            ['{', ..] => "",
            var other => "_" + Clean(other.ToLowerInvariant()),
        };
        var name = Clean(instrument.Name);
        if (!name.EndsWith(unit, StringComparison.Ordinal)) name += unit;
        return TypeOf(instrument) == "counter" && !name.EndsWith("_total", StringComparison.Ordinal) ? name + "_total" : name;
    }

    private static string Clean(string name) => string.Concat(name.Select((c, i) => char.IsAsciiLetter(c) || c == '_' || (i > 0 && char.IsAsciiDigit(c)) ? c : '_'));

    /// <summary>One set of labels.</summary>
    /// <param name="bounds">Upper bounds of a histogram's buckets; null for a plain number.</param>
    private sealed class Series(IReadOnlyList<double>? bounds)
    {
        private readonly Lock _lock = new();
        private readonly long[] _counts = new long[bounds?.Count ?? 0];
        private double _sum;
        private long _count;

        public void Measure(double value, bool isLast)
        {
            lock (_lock)
            {
                _sum = isLast && bounds is null ? value : _sum + value;
                _count++;
                // Buckets are cumulative.
                for (var i = 0; i < _counts.Length; i++) if (value <= bounds![i]) _counts[i]++;
            }
        }

        public void Write(StringBuilder text, string name, string labels)
        {
            lock (_lock)
            {
                if (bounds is null)
                {
                    Line(name, labels, _sum);
                    return;
                }

                var before = labels.Length > 0 ? labels + "," : "";
                for (var i = 0; i < _counts.Length; i++) Line($"{name}_bucket", $"{before}le=\"{Number(bounds[i])}\"", _counts[i]);
                Line($"{name}_bucket", $"{before}le=\"+Inf\"", _count);
                Line($"{name}_sum", labels, _sum);
                Line($"{name}_count", labels, _count);
            }

            void Line(string sample, string inner, double value) =>
                text.Append(sample).Append(inner.Length > 0 ? $"{{{inner}}}" : "").Append(' ').Append(Number(value)).Append('\n');
        }

        private static string Number(double value) => double.IsPositiveInfinity(value) ? "+Inf" : double.IsNegativeInfinity(value) ? "-Inf" : value.ToString("R", CultureInfo.InvariantCulture);
    }
}
