using XInstruct.Training.Tokenizers.Decoding;
using XInstruct.Training.Tokenizers.Models;
using XInstruct.Training.Tokenizers.Normalizing;
using XInstruct.Training.Tokenizers.Splitting;

namespace XInstruct.Training.Tokenizers;

/// <summary>
/// What every tokenizer is made of: added tokens are cut out, the rest is normalised and split, a model gives each part its tokens, a template
/// puts tokens around, and a decoder goes back. <see cref="TokenizerFile"/> and the SentencePiece reader compose them.
/// </summary>
internal sealed record TokenizerParts(
    IReadOnlyList<AddedToken> Added, TextNormalizer? Normalizer, TextSplitter? Splitter, TokenModel Model, TokenTemplate Template, TokenDecoder Decoder, int PadId = 0);
