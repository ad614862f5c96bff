namespace XInstruct.Training.Tokenizers;

/// <summary>What the <c>tokenizer_config.json</c> of a model folder says beside its tokenizer's file.</summary>
public sealed class TokenizerConfig
{
    /// <summary>The name of the file in a model folder.</summary>
    public const string FileName = "tokenizer_config.json";

    /// <summary>The name of the file that holds the chat template where the configuration does not; it is taken when both are there.</summary>
    public const string TemplateFileName = "chat_template.jinja";

    /// <summary>The name of the template that is used when none is asked for.</summary>
    public const string DefaultTemplate = "default";

    private TokenizerConfig()
    {
    }

    /// <summary>The token that begins a text, or null.</summary>
    public string? BeginToken { get; private init; }

    /// <summary>The token that ends a text, or null.</summary>
    public string? EndToken { get; private init; }

    /// <summary>All tokens that have a name, such as <c>bos_token</c>, <c>eos_token</c>, <c>pad_token</c>: templates see them by these names.</summary>
    public IReadOnlyDictionary<string, string> NamedTokens { get; private init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Sources of the chat templates by their names; the usual one is called <c>default</c>.</summary>
    public IReadOnlyDictionary<string, string> ChatTemplates { get; private init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    internal bool? AddsBegin { get; private init; }

    internal bool? AddsEnd { get; private init; }

    internal IReadOnlyList<AddedToken> AddedTokens { get; private init; } = [];

    /// <summary>Reads a model folder's file; without one nothing is said.</summary>
    /// <exception cref="TokenizerFileException">The file is damaged.</exception>
    public static TokenizerConfig Load(string folder)
    {
        var path = Path.Combine(folder, FileName);
        var template = Path.Combine(folder, TemplateFileName);
        try
        {
            var config = File.Exists(path) ? Parse(File.ReadAllBytes(path), path) : new TokenizerConfig();
            return File.Exists(template) ? config.With(DefaultTemplate, File.ReadAllText(template)) : config;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TokenizerFileException(path, "", $"cannot be read ({error.Message})", error);
        }
    }

    /// <summary>Reads the bytes of a file; <paramref name="name"/> stands for the path in errors.</summary>
    /// <exception cref="TokenizerFileException">The bytes are damaged.</exception>
    public static TokenizerConfig Parse(ReadOnlyMemory<byte> json, string name = FileName) => TokenizerFile.Parse(json, name, root =>
    {
        var named = Named(root);
        return new TokenizerConfig
        {
            BeginToken = named.GetValueOrDefault("bos_token"),
            EndToken = named.GetValueOrDefault("eos_token"),
            NamedTokens = named,
            ChatTemplates = Templates(root),
            AddsBegin = root.Optional("add_bos_token")?.Bool(),
            AddsEnd = root.Optional("add_eos_token")?.Bool(),
            AddedTokens = Added(root),
        };
    });

    private TokenizerConfig With(string name, string template) => new()
    {
        BeginToken = BeginToken,
        EndToken = EndToken,
        NamedTokens = NamedTokens,
        ChatTemplates = new Dictionary<string, string>(ChatTemplates, StringComparer.Ordinal) { [name] = template },
        AddsBegin = AddsBegin,
        AddsEnd = AddsEnd,
        AddedTokens = AddedTokens,
    };

    // A token is its text, or an object with its text as "content".
    private static Dictionary<string, string> Named(JsonField root)
    {
        var named = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, field) in root.Members())
        {
            if (!name.EndsWith("_token", StringComparison.Ordinal) || name.StartsWith("add_", StringComparison.Ordinal) || field.IsNull) continue;
            if (field.IsString) named[name] = field.String();
            else if (field.IsObject) named[name] = field.At("content").String();
        }

        return named;
    }

    private static Dictionary<string, string> Templates(JsonField root)
    {
        var templates = new Dictionary<string, string>(StringComparer.Ordinal);
        if (root.Optional("chat_template") is not { } field) return templates;
        if (field.IsString) templates[DefaultTemplate] = field.String();
        else
        {
            foreach (var item in field.Items()) templates[item.At("name").String()] = item.At("template").String();
        }

        return templates;
    }

    private static List<AddedToken> Added(JsonField root)
    {
        var tokens = new List<AddedToken>();
        foreach (var (name, field) in root.Optional("added_tokens_decoder")?.Members() ?? [])
        {
            if (!int.TryParse(name, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var id) || id > TokenizerFile.MaxId)
                throw field.Error("is not named by an id");
            if (field.At("content").String() is not { Length: > 0 } content) throw field.At("content").Error("is empty");
            tokens.Add(new AddedToken(
                id, content, field.OptionalBool("special"), field.OptionalBool("single_word"), field.OptionalBool("lstrip"), field.OptionalBool("rstrip"), field.OptionalBool("normalized")));
        }

        return tokens;
    }
}
