using System.Buffers.Binary;
using System.Text;
using XInstruct.Training.Tokenizers.Decoding;
using XInstruct.Training.Tokenizers.Models;
using XInstruct.Training.Tokenizers.Normalizing;

namespace XInstruct.Training.Tokenizers.SentencePiece;

/// <summary>What a piece is; the numbers are the file's.</summary>
internal enum PieceType
{
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

/// <summary>A piece of a SentencePiece model.</summary>
internal readonly record struct ScoredPiece(string Piece, float Score, PieceType Type);

/// <summary>
/// A SentencePiece <c>.model</c> file (github.com/google/sentencepiece, sentencepiece_model.proto), checked, and the parts of a tokenizer that it describes.
/// Unigram and BPE; the other two kinds are refused by name.
/// </summary>
internal sealed class SentencePieceFile
{
    private const int Unigram = 1;
    private const int Bpe = 2;
    private const double UserDefinedPenalty = 0.1;

    // The least positive normal number of 32 bits: the reference begins its search for the highest score there.
    private const float Least = 1.17549435e-38f;

    private readonly string _name;
    private bool _hasByteFallback;
    private int _kind = Unigram;

    private SentencePieceFile(string name) => _name = name;

    public List<ScoredPiece> Pieces { get; } = [];

    public Dictionary<string, int> Vocabulary { get; } = new(StringComparer.Ordinal);

    public UserSymbols UserSymbols { get; private set; } = new([]);

    public CharsMap? CharsMap { get; private set; }

    public bool AddsDummyPrefix { get; private set; } = true;

    public bool RemovesExtraSpaces { get; private set; } = true;

    public bool EscapesSpaces { get; private set; } = true;

    public bool SpaceIsSuffix { get; private set; }

    /// <summary>What the unknown piece is decoded to.</summary>
    public string UnknownSurface { get; private set; } = " \u2047 ";

    public int? BeginId => ControlId("<s>");

    public int? EndId => ControlId("</s>");

    private int UnknownId => Pieces.FindIndex(piece => piece.Type == PieceType.Unknown);

    /// <summary>Reads a file's bytes; <paramref name="name"/> is the path shown in errors.</summary>
    /// <exception cref="TokenizerFileException">The bytes are damaged or of a kind that is not supported.</exception>
    public static SentencePieceFile Parse(ReadOnlyMemory<byte> bytes, string name)
    {
        var file = new SentencePieceFile(name);
        foreach (var field in new ProtoMessage(bytes, name, "").Fields())
        {
            if (field.Number == 1) file.ReadPiece(field.Message($"pieces[{file.Pieces.Count}]"));
            else if (field.Number == 2) file.ReadTrainer(field.Message("trainer_spec"));
            else if (field.Number == 3) file.ReadNormalizer(field.Message("normalizer_spec"));
        }

        file.Check();
        return file;
    }

    public TextNormalizer Normalizer() => new SentencePieceNormalizer(this);

    public TokenDecoder Decoder() => new([() => new SentencePieceStage(this)]);

    public TokenModel Model()
    {
        var bytes = _hasByteFallback ? BytePieces.Of(Vocabulary) : null;
        // A text is never cut into the control, unknown and byte pieces.
        var cut = Pieces.Select((piece, id) => (piece, id)).Where(p => p.piece.Type is PieceType.Normal or PieceType.UserDefined or PieceType.Unused).ToArray();
        if (_kind == Bpe)
        {
            return new ScoredMerges(
                Vocabulary, cut.ToDictionary(p => p.piece.Piece, p => (p.id, p.piece.Score), StringComparer.Ordinal),
                [.. cut.Where(p => p.piece.Type == PieceType.Unused).Select(p => p.id)], UserSymbols, UnknownId, bytes);
        }

        var normal = Pieces.Where(piece => piece.Type == PieceType.Normal).Select(piece => piece.Score).DefaultIfEmpty(0).ToArray();
        var highest = Math.Max(Least, normal.Max());
        var scores = Pieces.Select(piece => piece.Type == PieceType.UserDefined
            ? (double)(Encoding.UTF8.GetByteCount(piece.Piece) * highest) - UserDefinedPenalty
            : piece.Score).ToArray();
        return new UnigramModel(
            Vocabulary, cut.Where(p => p.piece.Type != PieceType.Unused).Select(p => KeyValuePair.Create(p.piece.Piece, p.id)), scores, normal.Min(), UnknownId, bytes, isSingle: true);
    }

    private int? ControlId(string piece) => Vocabulary.TryGetValue(piece, out var id) && Pieces[id].Type == PieceType.Control ? id : null;

    private void ReadPiece(ProtoMessage message)
    {
        var (piece, score, type) = ("", 0f, PieceType.Normal);
        foreach (var field in message.Fields())
        {
            if (field.Number == 1) piece = field.Text("piece");
            else if (field.Number == 2) score = field.Float("score");
            else if (field.Number == 3) type = (PieceType)field.Int("type", 1, 6);
        }

        if (piece.Length == 0) throw message.Error("is empty");
        if (!float.IsFinite(score)) throw message.Error("has a score that is no number");
        if (type == PieceType.Byte && BytePieces.Value(piece) is null) throw message.Error($"'{piece}' is no byte piece");
        if (!Vocabulary.TryAdd(piece, Pieces.Count)) throw message.Error($"'{piece}' stands twice in the vocabulary");
        if (Pieces.Count == TokenizerFile.MaxId) throw message.Error("is one piece too many");
        Pieces.Add(new ScoredPiece(piece, score, type));
    }

    private void ReadTrainer(ProtoMessage message)
    {
        foreach (var field in message.Fields())
        {
            if (field.Number == 3) _kind = field.Int("model_type", 1, 4);
            else if (field.Number == 24) SpaceIsSuffix = field.Bool("treat_whitespace_as_suffix");
            else if (field.Number == 35) _hasByteFallback = field.Bool("byte_fallback");
            else if (field.Number == 44) UnknownSurface = field.Text("unk_surface");
        }

        if (_kind is not (Unigram or Bpe))
            throw new TokenizerFileException(_name, "trainer_spec.model_type", $"the model kind '{(_kind == 3 ? "word" : "char")}' is not supported; unigram and bpe are");
    }

    private void ReadNormalizer(ProtoMessage message)
    {
        foreach (var field in message.Fields())
        {
            if (field.Number == 2) CharsMap = ReadMap(field.Bytes("precompiled_charsmap"));
            else if (field.Number == 3) AddsDummyPrefix = field.Bool("add_dummy_prefix");
            else if (field.Number == 4) RemovesExtraSpaces = field.Bool("remove_extra_whitespaces");
            else if (field.Number == 5) EscapesSpaces = field.Bool("escape_whitespaces");
        }
    }

    private CharsMap? ReadMap(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            return CharsMap.Parse(bytes.Span);
        }
        catch (FormatException error)
        {
            throw new TokenizerFileException(_name, "normalizer_spec.precompiled_charsmap", error.Message, error);
        }
    }

    private void Check()
    {
        if (Pieces.Count == 0) throw new TokenizerFileException(_name, "pieces", "is empty");
        if (Pieces.Count(piece => piece.Type == PieceType.Unknown) != 1) throw new TokenizerFileException(_name, "pieces", "has not one unknown piece");
        var bytes = Pieces.Count(piece => piece.Type == PieceType.Byte);
        if (bytes != (_hasByteFallback ? 256 : 0))
            throw new TokenizerFileException(_name, "pieces", $"has {bytes} byte pieces with byte_fallback {(_hasByteFallback ? "on" : "off")}");
        UserSymbols = new UserSymbols(Pieces.Where(piece => piece.Type == PieceType.UserDefined).Select(piece => piece.Piece));
    }
}
