using System.Globalization;
using XInstruct.Activities.Models;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Chat;
using XInstruct.Training.Generation;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Jobs;

/// <summary>How the prompts of a file are continued.</summary>
/// <param name="Model">The model.</param>
public sealed record GenerateOptions(ModelFolder Model)
{
    /// <summary>Column with the prompt.</summary>
    public string PromptColumn { get; init; } = "prompt";

    /// <summary>Whether a prompt is a conversation: an array of messages, or a text that the user says. The model's chat template makes the prompt of it.</summary>
    public bool IsChat { get; init; }

    /// <summary>Which of the model's chat templates.</summary>
    public string Template { get; init; } = TokenizerConfig.DefaultTemplate;

    /// <summary>What the system says first in each conversation that does not begin so itself; null for nothing.</summary>
    public string? System { get; init; }

    /// <summary>New tokens at most.</summary>
    public int MaxNewTokens { get; init; } = 256;

    /// <summary>How the next token is chosen.</summary>
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>Seed; each row's own comes from it and the row's prompt.</summary>
    public ulong Seed { get; init; }

    /// <summary>Texts that end a continuation.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Columns that are copied.</summary>
    public IReadOnlyList<string> Keep { get; init; } = [];

    /// <summary>What the engine may use.</summary>
    public EngineOptions Engine { get; init; } = new();
}

/// <summary>Continues the prompts of a file.</summary>
public sealed class GenerateJob(GenerateOptions options) : RowJob
{
    /// <summary>Columns of the output; the others of the input may be kept.</summary>
    public static readonly IReadOnlySet<string> Columns = new HashSet<string>(StringComparer.Ordinal) { "row", "error", "message", "text", "finish", "promptTokens", "newTokens", "logLikelihood" };

    private LocalModel? _model;
    private PromptEncoder? _prompts;
    private IReadOnlyList<int> _ends = [];

    /// <inheritdoc/>
    protected override async Task<IReadOnlyDictionary<string, string>> SettingsAsync(CancellationToken ct)
    {
        var settings = await ModelSettingsAsync(options.Model, options.Engine.Threads, ct);
        settings["command"] = "generate";
        Flatten(options, settings);
        return settings;
    }

    /// <inheritdoc/>
    protected override void Load()
    {
        var template = options.IsChat ? PromptEncoder.TemplateOf(options.Model, options.Template) ?? throw new ModelFolderException(
            $"{options.Model.Path} has no chat template: neither {TokenizerConfig.FileName} nor {TokenizerConfig.TemplateFileName} has one. Without --chat the prompts are taken as they are.") : null;
        _model = options.Model.Load();
        _prompts = new PromptEncoder(_model.Tokenizer, template, options.System);
        _ends = options.Model.Ends(_model);
    }

    /// <inheritdoc/>
    protected override void Work(IReadOnlyList<TableRow> rows, Action<JobRow> done, Action<long, long> tokens, CancellationToken ct)
    {
        var prompts = rows.Select(Prompt).ToList();
        var (reported, before) = (0, new EngineStatus(0, 0, 0, 0, 0, 0));
        // Rows without a prompt are told when it is their turn.
        var places = Enumerable.Range(0, rows.Count).Where(i => prompts[i].Request is not null).ToList();
        GenerationWindow.Run(
            _model!.Decoder,
            _model.Tokenizer,
            [.. places.Select(i => prompts[i].Request!)],
            options.Engine,
            (i, result) =>
            {
                TellErrors(places[i]);
                done(Row(rows[places[i]], result));
                reported++;
            },
            status =>
            {
                tokens(status.PromptTokens - before.PromptTokens, status.NewTokens - before.NewTokens);
                before = status;
            },
            ct);
        TellErrors(rows.Count);

        void TellErrors(int end)
        {
            for (; reported < end; reported++) done(prompts[reported].Error!);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _model?.Decoder.Dispose();
        base.Dispose(disposing);
    }

    private (EngineRequest? Request, JobRow? Error) Prompt(TableRow row)
    {
        if (row.Problem is { } problem) return (null, JobRow.Failed(problem));
        if (row.Find(options.PromptColumn) is not { } text) return (null, JobRow.Failed("no-column", $"There is no '{options.PromptColumn}'."));
        try
        {
            var ids = _prompts!.Encode(text);
            if (ids.Length == 0) return (null, JobRow.Failed("empty-prompt"));
            return (new EngineRequest(ids)
            {
                MaxNewTokens = options.MaxNewTokens,
                Sampling = options.Sampling,
                Seed = DeterministicRandom.SeedOf(string.Create(CultureInfo.InvariantCulture, $"generate/{options.Seed}/{text}")),
                StopIds = _ends,
                StopTexts = options.Stop,
            }, null);
        }
        catch (ChatTemplateException e)
        {
            return (null, JobRow.Failed("bad-messages", e.Message));
        }
    }

    private JobRow Row(TableRow row, GenerationResult result)
    {
        if (result.Error is PromptTooLongException) return JobRow.Failed("prompt-too-long", result.Error.Message);
        if (result.Error is not null || result.Reason is null) return JobRow.Failed("failed", result.Error?.Message);
        var line = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var column in options.Keep)
        {
            if (row.Find(column) is { } value) line[column] = value;
        }

        line["text"] = result.Text;
        line["finish"] = result.Reason;
        line["promptTokens"] = result.PromptTokens;
        line["newTokens"] = result.Tokens.Count;
        line["logLikelihood"] = Math.Round(result.LogLikelihood, 4);
        return new JobRow(line);
    }
}
