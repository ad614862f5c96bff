using XInstruct.Training.Tokenizers.Decoding;

namespace XInstruct.Training.Tokenizers;

/// <summary>
/// Text of ids that come one by one: each call gives what is certain now, never part of a character, and all of it joined is what
/// <see cref="TextTokenizer.Decode"/> gives for all the ids. Not for use by several threads.
/// </summary>
public sealed class TokenStream
{
    private readonly TextTokenizer _tokenizer;
    private readonly bool _skipsSpecial;
    private readonly DecoderStage _first;
    private readonly DecodedText _text;
    private bool _isFinished;

    internal TokenStream(TextTokenizer tokenizer, TokenDecoder decoder, bool skipsSpecial)
    {
        (_tokenizer, _skipsSpecial) = (tokenizer, skipsSpecial);
        (_first, _text) = decoder.Start();
    }

    /// <summary>Takes the next id; the text that is certain since the last call, often empty. Ids outside the vocabulary are left out.</summary>
    /// <exception cref="InvalidOperationException">The stream is finished.</exception>
    public string Next(int id)
    {
        Push(id);
        return _text.Take();
    }

    /// <summary>No id follows: the rest of the text.</summary>
    public string Finish()
    {
        if (!_isFinished) _first.Finish();
        _isFinished = true;
        return _text.Take();
    }

    internal void Push(int id)
    {
        if (_isFinished) throw new InvalidOperationException("The stream is finished.");
        if (_tokenizer.FindPiece(id) is { } piece && !(_skipsSpecial && _tokenizer.IsSpecial(id))) _first.Push(piece, begins: true);
    }
}
