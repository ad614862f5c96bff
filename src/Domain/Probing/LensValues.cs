namespace XInstruct.Domain.Probing;

/// <summary>What a layer would say next, were it the last: probabilities from 0 to 1.</summary>
/// <param name="GoldEnglish">Of the right label in English.</param>
/// <param name="GoldLocal">Of the right label in the item's language; null where that is English, or labels are the same.</param>
/// <param name="AllEnglish">Of all English labels.</param>
/// <param name="AllLocal">Of all labels in the item's language; null likewise.</param>
/// <param name="Entropy">Entropy over the whole vocabulary, in bits.</param>
public sealed record LensValues(double GoldEnglish, double? GoldLocal, double AllEnglish, double? AllLocal, double Entropy);

/// <summary>An item under the logit lens.</summary>
/// <param name="Row">Row of the file, from 1.</param>
/// <param name="Id">Its id.</param>
/// <param name="Answer">The right label in English; null when the row is no question.</param>
/// <param name="Layers">What each layer would say, the first layer's output first; null when the item was dropped or could not be asked.</param>
/// <param name="Dropped">Why it was dropped: <c>no-ids</c> (no token of the vocabulary begins the label in one of the languages) or <c>shared-ids</c> (a token begins both).</param>
/// <param name="Error">Why it could not be asked, in a word.</param>
/// <param name="Ambiguous">Tokens that begin two of its labels, in one language or both: sums over labels cannot tell these apart.</param>
public sealed record LensItem(long Row, string Id, string? Answer = null, IReadOnlyList<LensValues>? Layers = null, string? Dropped = null, string? Error = null, int Ambiguous = 0);
