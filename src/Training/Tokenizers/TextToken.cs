namespace XInstruct.Training.Tokenizers;

/// <summary>A token of a text.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Piece">Its text in the vocabulary; of an unknown part of a unigram model, or of an added token with the white space it takes, that part of the text.</param>
/// <param name="Start">First code point of the text that it stands for.</param>
/// <param name="End">Code point after the last one; the same as the first for a token of the template.</param>
/// <param name="TypeId">Which part of the template it belongs to, such as 0 for the first text of a pair and 1 for the second.</param>
/// <param name="IsAdded">Whether the template put it there.</param>
public readonly record struct TextToken(int Id, string Piece, int Start, int End, int TypeId = 0, bool IsAdded = false);
