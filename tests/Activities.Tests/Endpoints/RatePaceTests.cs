using XInstruct.Activities.Endpoints;
using Xunit.Abstractions;

namespace XInstruct.Activities.Tests.Endpoints;

/// <summary>The algorithm against a simulated endpoint and a clock of its own: no time passes.</summary>
public sealed class RatePaceTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(Machine.Calm, 1)]
    [InlineData(Machine.Calm, 2)]
    [InlineData(Machine.Calm, 8)]
    [InlineData(Machine.Busy, 2)]
    [InlineData(Machine.Stalling, 2)]
    [InlineData(Machine.Freezing, 2)]
    public void Storm_AnyLimit_SettlesWithinTenPercentInAMinute(Machine machine, int workers)
    {
        foreach (var (limit, rate) in Enum.GetValues<Limit>().SelectMany(l => new[] { 5.0, 10, 40 }.Select(r => (l, r))))
        {
            var storms = Enumerable.Range(0, 10).Select(seed => new Storm(workers, limit, _ => rate, seed, machine)).ToList();
            var before = storms.ConvertAll(s => s.RunUntil(Storm.Minute).Early);
            foreach (var storm in storms) storm.RunUntil(Storm.Minute + Storm.Judged);
            var (least, most) = (storms.Min(s => s.Reached()) / rate, storms.Max(s => s.Reached()) / rate);
            var early = storms.Zip(before, (s, b) => (s.Early - b) / (double)s.Asked).Max();
            output.WriteLine($"{limit} {rate}/s: {least:F3} to {most:F3} of the allowed rate, at most {early:P1} of all requests too early");
            least.ShouldBeGreaterThanOrEqualTo(0.9);
            // A bucket may have saved a second's worth.
            most.ShouldBeLessThanOrEqualTo(1 + (1 / Storm.Judged));
            early.ShouldBeLessThan(0.02);
        }
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(2)]
    public void Storm_AllowedRateChanges_IsFollowed(double factor)
    {
        const double change = 200, rate = 20;
        foreach (var limit in Enum.GetValues<Limit>())
        {
            for (var seed = 0; seed < 5; seed++)
            {
                var storm = new Storm(2, limit, at => at < change ? rate : rate * factor, seed, Machine.Calm);
                storm.RunUntil(change);
                var before = storm.Early;
                // A lower limit must be found in a minute; a higher one shows only when it is looked for.
                storm.RunUntil(change + 400);
                var reached = storm.Reached(change + (factor < 1 ? Storm.Minute : 2 * Storm.Minute)) / (rate * factor);
                output.WriteLine($"{limit} {seed}: {reached:F3} of the rate allowed now, {storm.Early - before} requests too early");
                reached.ShouldBeInRange(0.9, 1.01);
                (storm.Early - before).ShouldBeLessThan(60);
            }
        }
    }

    [Fact]
    public void Take_SecondPauseLongerThanTheFirst_HoldsBackWhoWasTold()
    {
        var (pace, first) = new RatePace().Take(100, 0, 0, RateTicket.None);
        (pace, var second) = pace.Take(100, 0, 0, RateTicket.None);
        pace = pace.Pause(101, first, 10, isEarly: true);
        // Whoever asks now waits for the end of the pause, and longer when it is prolonged in the meantime.
        (pace, var third) = pace.Take(102, 0, 0, RateTicket.None);
        third.At.ShouldBe(111);
        pace.Leave(third, 111).Wait.ShouldBe(0);
        pace = pace.Pause(105, second, 20, isEarly: true);
        pace.Leave(third, 111).Wait.ShouldBeNull();
        (pace, third) = pace.Take(111, 0, 0, third);
        third.At.ShouldBe(125);
        // A busy endpoint (503) that names a time is left alone as well, and that says nothing of the pace.
        var before = pace.Pace;
        pace = pace.Pause(112, third, 60, isEarly: false);
        (pace.Pace, pace.PausedUntil).ShouldBe((before, 172));
    }

    [Fact]
    public void Leave_CallIsLate_CostsNothingUntilItsSecondIsFull()
    {
        var pace = new RatePace { Peak = 5, Since = 50 };
        pace.Pace.ShouldBe(5);
        var tickets = new List<RateTicket>();
        for (var i = 0; i < 6; i++)
        {
            (pace, var ticket) = pace.Take(100, 0, 0, RateTicket.None);
            tickets.Add(ticket);
        }

        tickets.Select(t => t.At).ShouldBe([100, 100.2, 100.4, 100.6, 100.8, 101], 1e-9);
        // The first two are late, and leave one behind the other; the third is on time.
        (pace, var wait) = pace.Leave(tickets[0], 100.35);
        wait.ShouldBe(0);
        (pace, wait) = pace.Leave(tickets[1], 100.35);
        wait.ShouldNotBeNull().ShouldBe(0.1, 1e-9);
        foreach (var (ticket, at) in tickets.Skip(1).Zip([100.45, 100.55, 100.7, 100.8]))
        {
            (pace, wait) = pace.Leave(ticket, at);
            wait.ShouldBe(0);
        }

        // A second after the first the sixth would be one too many before: it waits until then, and longer when the first was even later.
        pace.Leave(tickets[5], 101).Wait.ShouldNotBeNull().ShouldBe(0.35, 1e-9);
        pace.Delay(new RateTicket(100.35, 0), 0.05).Leave(tickets[5], 101).Wait.ShouldNotBeNull().ShouldBe(0.4, 1e-9);
    }

    [Fact]
    public void Pause_OneAfterLongPeace_TakesLittleAndComesBack()
    {
        var pace = new RatePace { Peak = 10, Since = 50 };
        (pace, var ticket) = pace.Take(100, 0, 0, RateTicket.None);
        pace = pace.Pause(100, ticket, 1, isEarly: true);
        pace.Pace.ShouldNotBeNull().ShouldBe(9.8, 0.01);
        (pace with { Since = 50 }).Pace.ShouldNotBeNull().ShouldBe(10, 0.01);
        // Those that follow at once are about the rate, and each takes twice as much.
        foreach (var expected in new[] { 9.4, 8.7, 7.3, 4.9 })
        {
            (pace, ticket) = pace.Take(pace.PausedUntil, 0, 0, RateTicket.None);
            pace = pace.Pause(pace.PausedUntil, ticket, 1, isEarly: true);
            pace.Pace.ShouldNotBeNull().ShouldBe(expected, 0.1);
        }
    }

    [Fact]
    public void Take_NobodyWaits_PaceDoesNotGrow()
    {
        var pace = new RatePace { Peak = 10, Since = 50, RequestsAt = 100 };
        for (var now = 101.0; now < 200; now++) (pace, _) = pace.Take(now, 0, 0, RateTicket.None);
        pace.Pace.ShouldBe(10);
        for (var i = 0; i < 20; i++) (pace, _) = pace.Take(200 + (i * 0.05), 0, 0, RateTicket.None);
        pace.Pace.ShouldNotBeNull().ShouldBeGreaterThan(10);
    }

    public enum Machine
    {
        /// <summary>Calls begin some milliseconds late.</summary>
        Calm,

        /// <summary>Many begin long after their moment, or after they left.</summary>
        Busy,

        /// <summary>Each worker stops now and then, and the endpoint once in two minutes.</summary>
        Stalling,

        /// <summary>Everything stops at once now and then.</summary>
        Freezing,
    }

    private enum Limit
    {
        /// <summary>So many in any second.</summary>
        SlidingWindow,

        /// <summary>So many in any ten seconds.</summary>
        LongWindow,

        /// <summary>So many in each second of the clock.</summary>
        FixedWindow,

        /// <summary>A token a moment; a second's worth may be saved.</summary>
        Bucket,
    }

    /// <summary>Workers with their gates, one shared pace, and an endpoint that answers 429 and when to come again, in whole seconds.</summary>
    private sealed class Storm
    {
        public const double Minute = 60;

        /// <summary>Seconds that are judged, after the first minute.</summary>
        public const double Judged = 180;

        private const double End = 1000;

        private readonly Limit _limit;
        private readonly Func<double, double> _rate;
        private readonly Machine _machine;
        private readonly Random _random;
        private readonly PriorityQueue<Action, (double At, int Order)> _events = new();
        private readonly List<(double From, double To)>[] _stops;
        private readonly List<double> _admitted = [];
        private readonly Clock _clock = new();
        private RatePace _pace = new();
        private double _now = 1;
        private double _saved;
        private double _savedAt = 1;
        private int _order;

        public Storm(int workers, Limit limit, Func<double, double> rate, int seed, Machine machine)
        {
            (_limit, _rate, _machine, _random) = (limit, rate, machine, new Random(seed));
            _saved = rate(0);
            var all = machine == Machine.Freezing ? Stops(20, 0.4) : [];
            // The first is the endpoint's.
            _stops = [.. Enumerable.Range(0, workers + 1).Select(i => machine == Machine.Stalling ? Stops(i == 0 ? 120 : 8, 0.2) : all)];
            for (var w = 1; w <= workers; w++) new Worker(this, w).Fill();
        }

        public int Asked { get; private set; }

        public int Early { get; private set; }

        /// <summary>Requests a second that were let in since then.</summary>
        public double Reached(double from = Minute) => _admitted.Count(a => a > from) / (_now - from);

        public Storm RunUntil(double end)
        {
            while (_events.TryPeek(out var next, out var when) && when.At < end)
            {
                _events.Dequeue();
                _now = when.At;
                _clock.Time = DateTimeOffset.UnixEpoch.AddSeconds(_now);
                next();
            }

            _now = end;
            return this;
        }

        private List<(double From, double To)> Stops(double every, double length)
        {
            var stops = new List<(double From, double To)>();
            for (var at = Some(every); at < End; at = stops[^1].To + Some(every)) stops.Add((at, at + Some(length)));
            return stops;
        }

        /// <summary>Seconds to wait; null when it is let in.</summary>
        private double? Refuse()
        {
            Asked++;
            var rate = _rate(_now);
            _saved = Math.Min(rate, _saved + ((_now - _savedAt) * rate));
            _savedAt = _now;
            var length = _limit == Limit.LongWindow ? 10 : 1;
            var from = _limit == Limit.FixedWindow ? Math.Floor(_now) - 1e-9 : _now - length;
            var before = _admitted.Count - 1 - _admitted.FindLastIndex(a => a <= from);
            if (_limit == Limit.Bucket ? _saved < 1 : before + 1 > rate * length)
            {
                Early++;
                return _limit == Limit.LongWindow ? Math.Max(1, Math.Ceiling(_admitted[^before] + length - _now)) : 1;
            }

            _saved--;
            _admitted.Add(_now);
            return null;
        }

        /// <summary>In so many seconds, or when the process goes on that stopped meanwhile.</summary>
        private void After(int process, double seconds, Action action)
        {
            var at = _now + seconds;
            foreach (var (from, to) in _stops[process]) at = at >= from && at < to ? to : at;
            _events.Enqueue(action, (at, _order++));
        }

        /// <summary>Seconds, exponentially distributed.</summary>
        private double Some(double mean) => -Math.Log(1 - _random.NextDouble()) * mean;

        /// <summary>Milliseconds, now and then more: what a network adds.</summary>
        private double Jitter() => Some(0.008);

        /// <summary>By how much a busy machine lets a call come too late.</summary>
        private double Late() => Some(_machine switch { Machine.Calm => 0.008, Machine.Busy => 0.05, _ => 0.015 });

        /// <summary>From leave to sending.</summary>
        private double Sending() => Some(_machine != Machine.Calm && _random.Next(30) == 0 ? 0.04 : 0.003);

        private sealed class Worker(Storm storm, int process)
        {
            private readonly AdaptiveGate _gate = new(8, 6, storm._clock);
            private readonly Queue<RateTicket> _waiting = [];
            private bool _isTaking;
            private int _active;

            public void Fill()
            {
                while (_active < _gate.Limit)
                {
                    _active++;
                    Take(RateTicket.None);
                }
            }

            private void Take(RateTicket before)
            {
                if (_isTaking)
                {
                    _waiting.Enqueue(before);
                    return;
                }

                _isTaking = true;
                (storm._pace, var ticket) = storm._pace.Take(storm._now, 0, 0, before);
                var wait = Math.Max(0, ticket.At - storm._now);
                var near = EndpointUse.Near.TotalSeconds;
                storm.After(process, wait > near ? wait - near + storm.Late() : 0, () =>
                {
                    _isTaking = false;
                    if (_waiting.TryDequeue(out var next)) Take(next);
                });
                Leave(ticket, wait);
            }

            private void Leave(RateTicket ticket, double wait) => storm.After(process, wait + (wait > 0 ? storm.Late() : 0), () =>
            {
                (storm._pace, var more) = storm._pace.Leave(ticket, storm._now);
                if (more is null) Take(ticket);
                else if (more > 0) Leave(ticket, more.Value);
                else Send(ticket with { At = storm._now });
            });

            private void Send(RateTicket ticket)
            {
                storm._pace.PausedUntil.ShouldBeLessThanOrEqualTo(storm._now);
                var began = storm._clock.Time;
                storm.After(process, storm.Sending(), () =>
                {
                    if (storm._now - ticket.At > 0.01) storm._pace = storm._pace.Delay(ticket, storm._now - ticket.At);
                    storm.After(0, storm.Jitter(), () =>
                    {
                        var refused = storm.Refuse();
                        storm.After(0, refused is null ? 0.05 : 0, () => storm.After(process, storm.Jitter(), () => End(ticket, refused, began)));
                    });
                });
            }

            private void End(RateTicket ticket, double? refused, DateTimeOffset began)
            {
                if (refused is null) _gate.Succeeded();
                else _gate.Failed(began, isEarly: true);
                if (refused is { } pause) storm._pace = storm._pace.Pause(storm._now, ticket, pause, isEarly: true);
                storm.After(process, storm.Jitter(), () =>
                {
                    _active--;
                    Fill();
                });
            }
        }
    }

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Time { get; set; }

        public override DateTimeOffset GetUtcNow() => Time;
    }
}
