using System.Text;
using XInstruct.Training.Tokenizers.Models;
using XInstruct.Training.Tokenizers.Splitting;

namespace XInstruct.Training.Tokenizers.Decoding;

/// <summary>
/// One step from pieces to text, fed piece by piece: it passes on what no later piece can change. A chunk may begin a piece or go on with one.
/// </summary>
internal abstract class DecoderStage
{
    /// <summary>What gets this stage's output; the last stage's text is taken from outside.</summary>
    public DecoderStage Next { get; set; } = null!;

    /// <summary>Takes a chunk.</summary>
    /// <param name="text">Its text.</param>
    /// <param name="begins">Whether it begins a piece.</param>
    public abstract void Push(string text, bool begins);

    /// <summary>No chunk follows.</summary>
    public virtual void Finish() => Next.Finish();
}

/// <summary>The end: the text that is certain.</summary>
internal sealed class DecodedText : DecoderStage
{
    private readonly StringBuilder _text = new();

    public override void Push(string text, bool begins) => _text.Append(text);

    public override void Finish()
    {
    }

    public string Take()
    {
        var text = _text.ToString();
        _text.Clear();
        return text;
    }
}

/// <summary>Bytes of the byte alphabet as UTF-8; what is none of it is U+FFFD.</summary>
internal sealed class ByteLevelStage : DecoderStage
{
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private bool _begins = true;

    public override void Push(string text, bool begins) => Pass(ByteSymbols.Bytes(text), flush: false);

    public override void Finish()
    {
        Pass([], flush: true);
        base.Finish();
    }

    private void Pass(byte[] bytes, bool flush)
    {
        var chars = new char[_decoder.GetCharCount(bytes, flush)];
        _decoder.GetChars(bytes, chars, flush);
        if (chars.Length == 0) return;
        Next.Push(new string(chars), _begins);
        _begins = false;
    }
}

/// <summary>Replaces a pattern inside each piece.</summary>
internal sealed class ReplaceStage(TextPattern pattern, string content) : DecoderStage
{
    public override void Push(string text, bool begins)
    {
        var matches = pattern.Matches(text);
        if (matches.Count > 0)
        {
            var result = new StringBuilder();
            var from = 0;
            foreach (var (offset, length) in matches)
            {
                result.Append(text, from, offset - from).Append(content);
                from = offset + length;
            }

            text = result.Append(text, from, text.Length - from).ToString();
        }

        Next.Push(text, begins);
    }
}

/// <summary>Runs of byte pieces as UTF-8; of a run that is none, each byte is U+FFFD.</summary>
internal sealed class ByteFallbackStage : DecoderStage
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly List<byte> _run = [];

    public override void Push(string text, bool begins)
    {
        if (begins && BytePieces.Value(text) is { } value)
        {
            _run.Add(value);
            return;
        }

        EndRun();
        Next.Push(text, begins);
    }

    public override void Finish()
    {
        EndRun();
        base.Finish();
    }

    private void EndRun()
    {
        if (_run.Count == 0) return;
        try
        {
            Next.Push(Strict.GetString([.. _run]), begins: true);
        }
        catch (DecoderFallbackException)
        {
            foreach (var _ in _run) Next.Push("\ufffd", begins: true);
        }

        _run.Clear();
    }
}

/// <summary>All pieces as one; passed on at once where the next stage can go on with a piece, else at the end.</summary>
internal sealed class FuseStage : DecoderStage
{
    private StringBuilder? _held;
    private bool _begins = true;

    public override void Push(string text, bool begins)
    {
        if (Next is StripStage or DecodedText or FuseStage) Next.Push(text, _begins);
        else (_held ??= new StringBuilder()).Append(text);
        _begins = false;
    }

    public override void Finish()
    {
        if (_held is not null) Next.Push(_held.ToString(), begins: true);
        base.Finish();
    }
}

/// <summary>Takes up to a number of one character from the beginning and the end of each piece.</summary>
internal sealed class StripStage(char content, int start, int stop) : DecoderStage
{
    private readonly StringBuilder _tail = new();
    private int _left;
    private bool _begins = true;

    public override void Push(string text, bool begins)
    {
        if (begins)
        {
            EndPiece();
            (_left, _begins) = (start, true);
        }

        var from = 0;
        while (_left > 0 && from < text.Length)
        {
            if (text[from] != content) _left = 0;
            else (from, _left) = (from + 1, _left - 1);
        }

        _tail.Append(text, from, text.Length - from);
        // The last characters of this kind wait: they may be the end.
        var kept = 0;
        while (kept < stop && kept < _tail.Length && _tail[_tail.Length - 1 - kept] == content) kept++;
        Pass(_tail.Length - kept);
    }

    public override void Finish()
    {
        EndPiece();
        base.Finish();
    }

    // What is left waits to be stripped.
    private void EndPiece() => _tail.Clear();

    private void Pass(int length)
    {
        if (length == 0) return;
        Next.Push(_tail.ToString(0, length), _begins);
        _tail.Remove(0, length);
        _begins = false;
    }
}

/// <summary>The sign of <see cref="Metaspace"/> as a space; in the first piece it goes when it was put in.</summary>
internal sealed class MetaspaceStage(Metaspace space) : DecoderStage
{
    private bool _isFirst = true;

    public override void Push(string text, bool begins)
    {
        var by = _isFirst && space.Prepends ? "" : " ";
        _isFirst = false;
        Next.Push(text.Replace(space.Sign.ToString(), by, StringComparison.Ordinal), begins);
    }
}

/// <summary>Puts a blank between pieces except before one that continues a word; takes out the blanks that English has not.</summary>
internal sealed class WordPieceStage(string continuation, bool cleansUp) : DecoderStage
{
    private static readonly (string From, string To)[] CleanUps =
    [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ];

    private bool _isFirst = true;

    public override void Push(string text, bool begins)
    {
        if (!_isFirst) text = text.StartsWith(continuation, StringComparison.Ordinal) ? text[continuation.Length..] : " " + text;
        _isFirst = false;
        foreach (var (from, to) in cleansUp ? CleanUps : []) text = text.Replace(from, to, StringComparison.Ordinal);
        Next.Push(text, begins);
    }
}

/// <summary>Where a file names no decoder: pieces with blanks between.</summary>
internal sealed class JoinStage : DecoderStage
{
    private bool _isFirst = true;

    public override void Push(string text, bool begins)
    {
        Next.Push(_isFirst ? text : " " + text, begins);
        _isFirst = false;
    }
}
