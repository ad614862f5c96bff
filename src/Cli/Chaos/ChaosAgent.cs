using System.Diagnostics;
using System.Text.Json;
using XInstruct.Activities.Storage;

namespace XInstruct.Cli.Chaos;

/// <summary>What a process is to suffer.</summary>
/// <param name="Kills">Moments at which it kills itself, whichever comes first, and at which occurrence of each, from 1.</param>
/// <param name="SlowShare">Share of the files whose writing takes long, 0 to 1.</param>
/// <param name="Seed">Chooses which.</param>
/// <param name="Counts">File for the number of times that each moment came, written when the process ends in order or kills itself.</param>
internal sealed record Ordeal(IReadOnlyDictionary<string, int> Kills, double SlowShare, int Seed, string Counts)
{
    /// <summary>How often each moment came in the process that suffered this; empty when it was killed from outside.</summary>
    public Dictionary<string, int> Came() => File.Exists(Counts) && File.ReadAllText(Counts) is { Length: > 0 } json ? JsonSerializer.Deserialize<Dictionary<string, int>>(json)! : [];

    /// <summary>The moment at which the process killed itself; null when something else ended it.</summary>
    public string? Met()
    {
        var came = Came();
        return Kills.Keys.FirstOrDefault(moment => came.GetValueOrDefault(moment) >= Kills[moment]);
    }
}

/// <summary>
/// The part of <c>xinstruct chaos</c> in the processes that it started: kills its own process, without any tidying up, at a place in the work that no
/// clock could hit. It also ends when the process that started it is gone.
/// </summary>
internal static class ChaosAgent
{
    /// <summary>Environment variable with the <see cref="Ordeal"/> as JSON; only <c>chaos</c> sets it.</summary>
    public const string Variable = "XINSTRUCT_CHAOS";

    private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(250);

    /// <summary>Listens from now on if this process is to.</summary>
    public static void Attach()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } json) return;
        var suffering = new Suffering(JsonSerializer.Deserialize<Ordeal>(json)!);
        DiagnosticListener.AllListeners.Subscribe(new Watch<DiagnosticListener>(source =>
        {
            if (source.Name == Moments.Source) source.Subscribe(new Watch<KeyValuePair<string, object?>>(suffering.Reached));
        }));
        // The other end is held by who started this, and by nobody else.
        new Thread(() =>
        {
            while (Console.In.Read() >= 0)
            {
            }

            Kill();
        })
        { IsBackground = true }.Start();
    }

    private static void Kill() => Process.GetCurrentProcess().Kill();

    private sealed class Suffering
    {
        private readonly Ordeal _ordeal;
        private readonly Random _random;
        private readonly Dictionary<string, int> _counts = Moments.All.ToDictionary(moment => moment, _ => 0, StringComparer.Ordinal);

        public Suffering(Ordeal ordeal)
        {
            (_ordeal, _random) = (ordeal, new Random(ordeal.Seed));
            AppDomain.CurrentDomain.ProcessExit += (_, _) => Tell();
        }

        public void Reached(KeyValuePair<string, object?> reached)
        {
            var (count, isSlow) = (0, false);
            lock (_counts)
            {
                count = ++_counts[reached.Key];
                isSlow = reached.Key is Moments.Filed or Moments.Manifest && _random.NextDouble() < _ordeal.SlowShare;
            }

            if (isSlow) Thread.Sleep(Slow);
            if (_ordeal.Kills.GetValueOrDefault(reached.Key) != count) return;
            lock (_counts)
            {
                Tell();
                Kill();
            }
        }

        private void Tell()
        {
            lock (_counts) File.WriteAllText(_ordeal.Counts, JsonSerializer.Serialize(_counts));
        }
    }

    private sealed class Watch<T>(Action<T> next) : IObserver<T>
    {
        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }

        public void OnNext(T value) => next(value);
    }
}
