using XInstruct.Domain.Statistics;

namespace XInstruct.Domain.Probing;

/// <summary>A mean over items with its 95% interval: mean ± 1.96 standard errors (of the sample standard deviation).</summary>
public sealed record LensMean(double Mean, double Low, double High)
{
    /// <summary>The mean of values; null of none.</summary>
    public static LensMean? Of(IReadOnlyList<double> values)
    {
        if (Summary.Of(values) is not { Count: > 0 } summary) return null;
        var half = 1.96 * summary.StandardError;
        return new LensMean(summary.Mean, summary.Mean - half, summary.Mean + half);
    }
}

/// <summary>A layer's means; null where there is nothing to take a mean of.</summary>
/// <param name="Layer">The layer, from 1.</param>
public sealed record LensLayer(int Layer, LensMean? GoldEnglish, LensMean? GoldLocal, LensMean? AllEnglish, LensMean? AllLocal, LensMean? Entropy);

/// <summary>The curve of one model, task and language.</summary>
/// <param name="Model">Model.</param>
/// <param name="Task">Task.</param>
/// <param name="Language">Language.</param>
/// <param name="Items">Items of the file that were to be asked.</param>
/// <param name="Used">Those that the means are of.</param>
/// <param name="WithoutIds">Dropped: a label has no token.</param>
/// <param name="SharedIds">Dropped: a token begins the right label in both languages.</param>
/// <param name="Unread">Items that could not be asked.</param>
/// <param name="Ambiguous">Tokens that begin two labels, in one language or both.</param>
/// <param name="Layers">The layers.</param>
public sealed record LensCurve(string Model, string Task, string Language, int Items, int Used, int WithoutIds, int SharedIds, int Unread, int Ambiguous, IReadOnlyList<LensLayer> Layers)
{
    /// <summary>The curve of some items.</summary>
    public static LensCurve Of(string model, string task, string language, IReadOnlyList<LensItem> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        var used = items.Select(item => item.Layers).OfType<IReadOnlyList<LensValues>>().ToList();
        LensMean? Mean(int layer, Func<LensValues, double?> value) => LensMean.Of([.. used.Select(layers => value(layers[layer])).OfType<double>()]);
        return new LensCurve(
            model,
            task,
            language,
            items.Count,
            used.Count,
            items.Count(item => item.Dropped == "no-ids"),
            items.Count(item => item.Dropped == "shared-ids"),
            items.Count(item => item.Error is not null),
            items.Select(item => item.Ambiguous).DefaultIfEmpty().Max(),
            [.. Enumerable.Range(0, used.Count == 0 ? 0 : used[0].Count).Select(i => new LensLayer(i + 1, Mean(i, v => v.GoldEnglish), Mean(i, v => v.GoldLocal), Mean(i, v => v.AllEnglish), Mean(i, v => v.AllLocal), Mean(i, v => v.Entropy)))]);
    }
}
