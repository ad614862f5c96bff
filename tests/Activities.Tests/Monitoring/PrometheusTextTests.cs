using System.Diagnostics.Metrics;
using XInstruct.Activities.Monitoring;

namespace XInstruct.Activities.Tests.Monitoring;

public sealed class PrometheusTextTests : IDisposable
{
    private readonly Meter _meter = new($"test.{Guid.NewGuid():N}");

    public void Dispose() => _meter.Dispose();

    [Fact]
    public void Write_EachKind_IsNamedByItsUnitAndSummedByItsLabels()
    {
        using var text = new PrometheusText(_meter.Name);
        var calls = _meter.CreateCounter<long>("app.calls", "{call}", "Calls made.");
        var money = _meter.CreateCounter<double>("app.cost", "USD");
        var running = _meter.CreateUpDownCounter<int>("app.running");
        var time = _meter.CreateHistogram<double>("app.call.duration", "s", advice: new() { HistogramBucketBoundaries = [0.1, 1] });
        var left = new List<Measurement<double>> { new(1.5, new KeyValuePair<string, object?>("model", "a")) };
        _meter.CreateObservableGauge("app.pause", () => left, "s");
        calls.Add(2, new KeyValuePair<string, object?>("outcome", "reply"));
        calls.Add(1, new KeyValuePair<string, object?>("outcome", "reply"));
        calls.Add(1, new KeyValuePair<string, object?>("outcome", "a \"b\" \\ \n c"));
        money.Add(0.25);
        running.Add(3);
        running.Add(-1);
        foreach (var seconds in new[] { 0.05, 0.5, 0.5, 7 }) time.Record(seconds);
        text.Write().ShouldBe("""
            # TYPE app_call_duration_seconds histogram
            app_call_duration_seconds_bucket{le="0.1"} 1
            app_call_duration_seconds_bucket{le="1"} 3
            app_call_duration_seconds_bucket{le="+Inf"} 4
            app_call_duration_seconds_sum 8.05
            app_call_duration_seconds_count 4
            # HELP app_calls_total Calls made.
            # TYPE app_calls_total counter
            app_calls_total{outcome="a \"b\" \\ \n c"} 1
            app_calls_total{outcome="reply"} 3
            # TYPE app_cost_usd_total counter
            app_cost_usd_total 0.25
            # TYPE app_pause_seconds gauge
            app_pause_seconds{model="a"} 1.5
            # TYPE app_running gauge
            app_running 2

            """.ReplaceLineEndings("\n"));
        // Observed anew each time: what is gone is gone, and nothing is added up.
        left[0] = new(0.5, new KeyValuePair<string, object?>("model", "b"));
        var next = text.Write();
        next.ShouldContain("app_pause_seconds{model=\"b\"} 0.5\n");
        next.ShouldNotContain("model=\"a\"");
        next.ShouldContain("app_calls_total{outcome=\"reply\"} 3\n");
    }

    [Fact]
    public void Write_MeterThatNobodyNamed_IsLeftOut()
    {
        using var text = new PrometheusText("another");
        _meter.CreateCounter<long>("app.calls").Add(1);
        text.Write().ShouldBeEmpty();
    }
}
