using XInstruct.Activities.Endpoints;
using Xunit.Abstractions;

namespace XInstruct.Activities.Tests.Endpoints;

/// <summary>The algorithm against a simulated endpoint and a clock of its own: no time passes.</summary>
public sealed class RatePaceTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1, 0.008)]
    [InlineData(2, 0.008)]
    [InlineData(8, 0.008)]
    [InlineData(2, 0.05)]
    public void Storm_AnyNumberOfWorkers_SettlesWithinAMinute(int workers, double late)
    {
        foreach (var (limit, rate) in Enum.GetValues<Limit>().SelectMany(l => new[] { 5.0, 15, 40 }.Select(r => (l, r))))
        {
            var storms = Enumerable.Range(0, 30).Select(seed => new Storm(workers, limit, rate, seed, late).Run()).ToList();
            var (least, most, early) = (storms.Min(s => s.Reached) / rate, storms.Max(s => s.Reached) / rate, storms.Max(s => s.Early));
            output.WriteLine($"{limit} {rate}/s: {least:F3} to {most:F3} of the allowed rate, at most {early:P1} of all requests too early");
            least.ShouldBeGreaterThanOrEqualTo(late > 0.01 ? 0.88 : 0.9);
            // A bucket may have saved a second's worth.
            most.ShouldBeLessThanOrEqualTo(1 + (1 / Storm.Judged));
            early.ShouldBeLessThan(0.02);
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
    public void Leave_CallIsLate_NextKeepsItsDistance()
    {
        var pace = new RatePace { Pace = 10 };
        (pace, var first) = pace.Take(100, 0, 0, RateTicket.None);
        (pace, var second) = pace.Take(100, 0, 0, RateTicket.None);
        (first.At, second.At).ShouldBe((100, 100.1));
        (pace, var wait) = pace.Leave(first, 100.07);
        wait.ShouldBe(0);
        // At its moment the first has only just left; a fiftieth of a second is forgiven.
        (pace, wait) = pace.Leave(second, 100.1);
        wait.ShouldNotBeNull().ShouldBe(0.05, 1e-9);
        (pace, wait) = pace.Leave(second, 100.16);
        wait.ShouldBe(0);
        pace.LeftAt.ShouldBe(100.15, 1e-9);
    }

    [Fact]
    public void Take_NobodyWaits_PaceDoesNotGrow()
    {
        var pace = new RatePace { Pace = 10, Since = 1000, Lessons = 9, RequestsAt = 100 };
        for (var now = 101.0; now < 200; now++) (pace, _) = pace.Take(now, 0, 0, RateTicket.None);
        pace.Pace.ShouldBe(10);
        for (var i = 0; i < 20; i++) (pace, _) = pace.Take(200 + (i * 0.05), 0, 0, RateTicket.None);
        pace.Pace!.Value.ShouldBeGreaterThan(10);
    }

    private enum Limit
    {
        /// <summary>So many in any second.</summary>
        SlidingWindow,

        /// <summary>So many in each second of the clock.</summary>
        FixedWindow,

        /// <summary>A token a moment; a second's worth may be saved.</summary>
        Bucket,
    }

    /// <summary>Workers with their gates, one shared pace, and an endpoint that answers 429 with Retry-After: 1.</summary>
    private sealed class Storm(int workers, Limit limit, double rate, int seed, double late)
    {
        /// <summary>Seconds that are judged, after the first minute.</summary>
        public const double Judged = 180;

        private const double Minute = 60;

        private readonly Random _random = new(seed);
        private readonly PriorityQueue<Action, double> _events = new();
        private readonly Queue<double> _admitted = [];
        private readonly Clock _clock = new();
        private RatePace _pace = new();
        private double _now = 1;
        private double _spent;
        private double _spentAt = 1;
        private int _asked;
        private int _early;
        private int _settled;

        public (double Reached, double Early) Run()
        {
            for (var w = 0; w < workers; w++) new Worker(this).Fill();
            while (_events.TryDequeue(out var next, out var at) && at < Minute + Judged)
            {
                _now = at;
                _clock.Time = DateTimeOffset.UnixEpoch.AddSeconds(at);
                next();
            }

            return (_settled / Judged, _early / (double)_asked);
        }

        private bool Admit()
        {
            _asked++;
            while (_admitted.TryPeek(out var first) && first <= (limit == Limit.FixedWindow ? Math.Floor(_now) - 1e-9 : _now - 1)) _admitted.Dequeue();
            _spent = Math.Max(0, _spent - ((_now - _spentAt) * rate));
            _spentAt = _now;
            var isAdmitted = limit == Limit.Bucket ? _spent <= rate - 1 : _admitted.Count < rate;
            if (isAdmitted)
            {
                _spent++;
                _admitted.Enqueue(_now);
                if (_now > Minute) _settled++;
            }
            else if (_now > Minute)
            {
                _early++;
            }

            return isAdmitted;
        }

        private void After(double seconds, Action action) => _events.Enqueue(action, _now + seconds);

        /// <summary>Milliseconds, now and then more: what a network adds.</summary>
        private double Jitter() => -Math.Log(1 - _random.NextDouble()) * 0.008;

        /// <summary>By how much a busy machine lets a call begin too late; seconds.</summary>
        private double Late() => -Math.Log(1 - _random.NextDouble()) * late;

        private sealed class Worker(Storm storm)
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
                storm.After(Math.Max(0, wait - EndpointUse.Near.TotalSeconds), () =>
                {
                    _isTaking = false;
                    if (_waiting.TryDequeue(out var next)) Take(next);
                });
                Leave(ticket, wait);
            }

            private void Leave(RateTicket ticket, double wait) => storm.After(wait + (wait > 0 ? storm.Late() : 0), () =>
            {
                (storm._pace, var more) = storm._pace.Leave(ticket, storm._now);
                if (more is null) Take(ticket);
                else if (more == 0) Send(ticket);
                else Leave(ticket, more.Value);
            });

            private void Send(RateTicket ticket)
            {
                storm._pace.PausedUntil.ShouldBeLessThanOrEqualTo(storm._now);
                var began = storm._clock.Time;
                storm.After(storm.Jitter(), () =>
                {
                    var isAdmitted = storm.Admit();
                    storm.After((isAdmitted ? 0.05 : 0) + storm.Jitter(), () => End(ticket, isAdmitted, began));
                });
            }

            private void End(RateTicket ticket, bool isAdmitted, DateTimeOffset began)
            {
                if (isAdmitted) _gate.Succeeded();
                else _gate.Failed(began, isEarly: true);
                if (!isAdmitted) storm._pace = storm._pace.Pause(storm._now, ticket, 1, isEarly: true);
                storm.After(storm.Jitter(), () =>
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
