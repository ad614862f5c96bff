using XInstruct.Domain.Recipes;

namespace XInstruct.Domain.Costs;

/// <summary>US dollars for a million tokens.</summary>
/// <param name="In">Read.</param>
/// <param name="Out">Written.</param>
public sealed record ModelPrice(decimal In, decimal Out)
{
    // List prices without caching or batch discounts; docs/api.md says what they were compared with. A recipe's own prices hold before these.
    private static readonly Dictionary<string, ModelPrice> Listed = new(StringComparer.Ordinal)
    {
        ["gpt-4o"] = new(2.50m, 10.00m),
        ["gpt-4o-mini"] = new(0.15m, 0.60m),
        ["gpt-4.1"] = new(2.00m, 8.00m),
        ["gpt-4.1-mini"] = new(0.40m, 1.60m),
        ["gpt-4.1-nano"] = new(0.10m, 0.40m),
        ["gpt-5"] = new(1.25m, 10.00m),
        ["gpt-5-mini"] = new(0.25m, 2.00m),
        ["gpt-5-nano"] = new(0.05m, 0.40m),
    };

    /// <summary>What a call costs, to a ten-billionth of a dollar.</summary>
    public decimal Of(long tokensIn, long tokensOut) => Math.Round(((tokensIn * In) + (tokensOut * Out)) / 1_000_000m, 10);

    /// <summary>The price that holds for an endpoint; null when nobody knows it.</summary>
    public static ModelPrice? For(ApiOptions api)
    {
        var listed = Listed.GetValueOrDefault(api.Model);
        if (listed is null && Uri.TryCreate(api.BaseUrl, UriKind.Absolute, out var address) && address.IsLoopback) listed = new ModelPrice(0, 0);
        var (read, written) = ((decimal?)api.UsdPerMillionIn ?? listed?.In, (decimal?)api.UsdPerMillionOut ?? listed?.Out);
        return read is { } i && written is { } o ? new ModelPrice(i, o) : null;
    }
}
