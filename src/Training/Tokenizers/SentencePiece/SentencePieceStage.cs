using System.Buffers;
using System.Text;
using XInstruct.Training.Tokenizers.Decoding;
using XInstruct.Training.Tokenizers.Models;
using XInstruct.Training.Tokenizers.Splitting;

namespace XInstruct.Training.Tokenizers.SentencePiece;

/// <summary>
/// SentencePiece's way from pieces to text: ▁ is a space, but for the one it put before the text; byte pieces are UTF-8, each byte that is none
/// U+FFFD; control pieces are nothing and the unknown piece the model's sign for it.
/// </summary>
internal sealed class SentencePieceStage(SentencePieceFile file) : DecoderStage
{
    private readonly List<byte> _run = [];
    private bool _isBegin = true;
    private bool _sawSpace;
    private bool _isEmpty = true;

    public override void Push(string text, bool begins)
    {
        var id = file.Vocabulary.GetValueOrDefault(text, -1);
        var type = id < 0 ? PieceType.Normal : file.Pieces[id].Type;
        if (type == PieceType.Byte && BytePieces.Value(text) is { } value)
        {
            _run.Add(value);
            Bytes(isEnd: false);
            return;
        }

        Bytes(isEnd: true);
        if (_sawSpace || !_isEmpty) _isBegin = false;
        _sawSpace = false;
        Pass(type switch
        {
            PieceType.Control => "",
            PieceType.Unknown => file.UnknownSurface,
            _ => Spaced(text),
        });
    }

    public override void Finish()
    {
        Bytes(isEnd: true);
        base.Finish();
    }

    private string Spaced(string text)
    {
        if (_isBegin && (file.AddsDummyPrefix || file.RemovesExtraSpaces) && text.StartsWith(Metaspace.DefaultSign))
        {
            text = text[1..];
            _sawSpace = !file.RemovesExtraSpaces;
        }

        return text.Replace(Metaspace.DefaultSign, ' ');
    }

    // Characters that are whole; at the end what is left is none.
    private void Bytes(bool isEnd)
    {
        while (_run.Count > 0)
        {
            var status = Rune.DecodeFromUtf8(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_run), out var rune, out var consumed);
            if (status == OperationStatus.NeedMoreData && !isEnd) return;
            Pass(status == OperationStatus.Done ? rune.ToString() : "\ufffd");
            _run.RemoveRange(0, status == OperationStatus.Done ? consumed : 1);
        }
    }

    private void Pass(string text)
    {
        if (text.Length == 0) return;
        _isEmpty = false;
        Next.Push(text, begins: true);
    }
}
