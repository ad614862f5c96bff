namespace XInstruct.Training.Tokenizers;

/// <summary>The <c>post_processor</c> of a tokenizer file: the tokens around a text or a pair of texts, and each part's type id.</summary>
internal sealed class TokenTemplate
{
    private static readonly Slot[] PlainSingle = [new(null, IsSecond: false, 0)];
    private static readonly Slot[] PlainPair = [.. PlainSingle, new(null, IsSecond: true, 1)];

    private IReadOnlyList<Slot> _single = PlainSingle;
    private IReadOnlyList<Slot> _pair = PlainPair;

    /// <summary>Whether offsets leave out the spaces at a token's ends; byte-level files say so.</summary>
    public bool TrimsOffsets { get; private set; }

    /// <summary>With <see cref="TrimsOffsets"/>: whether the first space of a text was put there and stays.</summary>
    public bool KeepsPrefixSpace { get; private set; }

    /// <summary>Ids before a single text.</summary>
    public IReadOnlyList<int> Prefix => [.. _single.TakeWhile(slot => slot.Id is not null).Select(slot => slot.Id!.Value)];

    /// <summary>Ids after a single text.</summary>
    public IReadOnlyList<int> Suffix => [.. _single.SkipWhile(slot => slot.Id is not null).Skip(1).Select(slot => slot.Id!.Value)];

    /// <summary>What stands where: the id of a token, or a text.</summary>
    /// <param name="isPair">Whether there are two texts.</param>
    /// <param name="isFull">Whether the tokens are wanted.</param>
    public IEnumerable<Slot> Slots(bool isPair, bool isFull)
        => !isFull ? isPair ? PlainPair : PlainSingle : isPair ? _pair : _single;

    /// <summary>A template of tokens around a text.</summary>
    public static TokenTemplate Around(IReadOnlyList<int> prefix, IReadOnlyList<int> suffix) => new()
    {
        _single = [.. Tokens(prefix, 0), .. PlainSingle, .. Tokens(suffix, 0)],
        _pair = [.. Tokens(prefix, 0), .. PlainSingle, .. Tokens(suffix, 0), .. Tokens(prefix, 1), PlainPair[1], .. Tokens(suffix, 1)],
    };

    /// <summary>Reads a file's template; a file without one adds nothing.</summary>
    public static TokenTemplate Read(JsonField? field, List<AddedToken> added)
    {
        var template = new TokenTemplate();
        if (field is { } processor) template.Add(processor, added);
        return template;
    }

    private static IEnumerable<Slot> Tokens(IReadOnlyList<int> ids, int typeId) => ids.Select(id => new Slot(id, IsSecond: false, typeId));

    private void Add(JsonField field, List<AddedToken> added)
    {
        var kind = field.At("type").String();
        switch (kind)
        {
            case "Sequence":
                foreach (var part in field.Array("processors").Items())
                    Add(part, added);
                break;
            case "ByteLevel":
                ReadTrim(field);
                break;
            case "TemplateProcessing":
                _single = ReadSlots(field, "single", added);
                _pair = field.Optional("pair") is null ? PlainPair : ReadSlots(field, "pair", added);
                break;
            case "BertProcessing" or "RobertaProcessing":
                var (begin, end) = (EndToken(field.Array("cls"), added), EndToken(field.Array("sep"), added));
                var isBert = kind == "BertProcessing";
                var second = isBert ? 1 : 0;
                _single = [new(begin, false, 0), .. PlainSingle, new(end, false, 0)];
                _pair = [.. _single, .. isBert ? (Slot[])[] : [new(end, false, 0)], new(null, true, second), new(end, false, second)];
                if (!isBert) ReadTrim(field);
                break;
            default:
                throw field.At("type").Error($"the post-processor kind '{kind}' is not supported");
        }
    }

    private void ReadTrim(JsonField field)
    {
        TrimsOffsets = field.OptionalBool("trim_offsets", whenAbsent: true);
        KeepsPrefixSpace = field.OptionalBool("add_prefix_space", whenAbsent: true);
    }

    private static List<Slot> ReadSlots(JsonField field, string name, List<AddedToken> added)
    {
        var slots = new List<Slot>();
        var hasText = false;
        foreach (var item in field.Array(name).Items())
        {
            if (item.Optional("Sequence") is { } text)
            {
                var sequence = text.At("id").String();
                if (sequence is not ("A" or "B") || (sequence == "B" && name == "single")) throw text.At("id").Error($"'{sequence}' is not a text of this template");
                slots.Add(new Slot(null, sequence == "B", TypeId(text)));
                hasText = true;
                continue;
            }

            var special = item.Object("SpecialToken");
            foreach (var id in Ids(field, special.At("id"), added)) slots.Add(new Slot(id, IsSecond: false, TypeId(special)));
        }

        return hasText ? slots : throw field.At(name).Error("has no place for the text");

        static int TypeId(JsonField item) => item.Optional("type_id")?.Int(0, int.MaxValue) ?? 0;
    }

    private static int[] Ids(JsonField template, JsonField name, List<AddedToken> added)
    {
        var content = name.String();
        if (template.Optional("special_tokens")?.Optional(content) is { } special) return [.. special.Array("ids").Items().Select(id => id.Int(0, TokenizerFile.MaxId))];
        return [(added.Find(token => token.Content == content) ?? throw name.Error($"'{content}' is not an added token")).Id];
    }

    // [content, id]
    private static int EndToken(JsonField pair, List<AddedToken> added)
    {
        var items = pair.Items().ToList();
        if (items.Count != 2)
            throw pair.Error("is not a token and its id");
        var (content, id) = (items[0].String(), items[1].Int(0, TokenizerFile.MaxId));
        return added.Exists(token => token.Id == id && token.Content == content) ? id : throw pair.Error($"'{content}' with the id {id} is not an added token");
    }

    /// <summary>A token or, without an id, one of the texts.</summary>
    internal readonly record struct Slot(int? Id, bool IsSecond, int TypeId);
}
