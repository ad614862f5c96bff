using XInstruct.Training.Tuning;
using XInstruct.Workflows.Training;

namespace XInstruct.Cli.Display;

/// <summary>A training in words and numbers.</summary>
internal static class TrainingDisplay
{
    /// <summary>A moment of it.</summary>
    public static WorkMoment Moment(TuningProgress p)
    {
        var m = p.Metrics;
        var held = p.BestLoss is { } best ? Shown($" · held out {best:F4}") : "";
        var accuracy = m.Measures is not null && m.Measures.TryGetValue("accuracy", out var share) ? Shown($" · accuracy {share:P0}") : "";
        var text = Shown($"step {m.Step:N0}/{p.Steps:N0} · loss {m.Loss:F4}{held}{accuracy} · rate {m.LearningRate:G3} · {m.TokensPerSecond:N0} tokens/s · {m.MemoryBytes / 1048576:N0} MiB · {p.Left:hh\\:mm\\:ss} left");
        var @event = new { Event = "progress", m.Step, p.Steps, m.Loss, m.LearningRate, m.GradientNorm, m.TokensPerSecond, m.MemoryBytes, m.Measures, p.BestLoss, SecondsLeft = Math.Round(p.Left.TotalSeconds, 1) };
        return new WorkMoment((double)m.Step / p.Steps, text, @event, m.Step == p.Steps);
    }

    /// <summary>What it came to, for people and for scripts.</summary>
    public static (IReadOnlyList<string> Sentences, object Summary) End(string training, TunedModel model, string folder, TimeSpan took)
    {
        var held = model.EvaluationLoss is { } loss ? Shown($", {loss:F4} on the rows held out (step {model.BestStep}{(model.StoppedEarly ? ", stopped early" : "")})") : "";
        var report = File.Exists(Path.Combine(folder, "report.html")) ? " (report.html shows the loss)" : "";
        return (
            [Shown($"Training {training} has ended: {model.Steps:N0} steps, {model.Tokens:N0} tokens, loss {model.Loss:F4}{held}."), $"Result: {folder}{report}"],
            new { Training = training, Status = "completed", model.Model, model.Base, model.Steps, model.Tokens, model.Loss, model.BestStep, model.EvaluationLoss, model.StoppedEarly, Output = folder, Seconds = Math.Round(took.TotalSeconds, 1) });
    }

    private static string Shown(FormattableString text) => FormattableString.Invariant(text);
}
