using System.Globalization;
using System.Text.Json;
using XInstruct.Activities.Models;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Prompts;
using XInstruct.Domain.Recipes;
using XInstruct.Training.Chat;
using XInstruct.Training.Tokenizers;
using XInstruct.Training.Tuning;

namespace XInstruct.Activities.Tuning;

/// <summary>Training data cannot be used. The message names the row.</summary>
public sealed class TrainingDataException(string message) : Exception(message);

/// <summary>Makes token sequences of a table's rows, as a training recipe says.</summary>
internal sealed class ExampleBuilder
{
    private readonly TextTokenizer _tokenizer;
    private readonly TrainingRecipe _recipe;
    private readonly PromptTemplate _prompt;
    private readonly ChatTemplate? _chat;
    private readonly int[] _begin;
    private readonly int _end;

    /// <summary>For a model folder.</summary>
    /// <exception cref="TrainingDataException">The data is to be in the model's chat template, and it has none.</exception>
    public ExampleBuilder(string folder, TextTokenizer tokenizer, TrainingRecipe recipe)
    {
        (_tokenizer, _recipe, _prompt) = (tokenizer, recipe, PromptTemplate.Parse(recipe.Data.Prompt));
        var config = TokenizerConfig.Load(folder);
        if (recipe.Data.Chat || recipe.Data.Messages is not null)
            _chat = ChatTemplate.Load(folder) ?? throw new TrainingDataException("The model has no chat template. Leave data.chat out and put what it needs into data.prompt.");
        // What the tokenizer itself puts before a text, and the model's own end.
        _begin = config.BeginToken is { } begin && tokenizer.Encode("", addSpecialTokens: true) is [var first, ..] && tokenizer.FindId(begin) == first ? [first] : [];
        _end = config.EndToken is { } end && tokenizer.FindId(end) is { } id ? id : ModelPrompt.EndOf(tokenizer, folder);
    }

    /// <summary>Examples that were longer than allowed.</summary>
    public int Cut { get; private set; }

    /// <summary>An example of supervised training.</summary>
    public TrainingRow Row(TableRow row, string source)
    {
        if (_recipe.Data.Messages is { } column) return Row(Conversation(row, column, source), source, row);
        var (prompt, completion) = Pair(row, source, _recipe.Data.Completion);
        return Row(prompt, completion);
    }

    /// <summary>A preference.</summary>
    public PreferencePair Preference(TableRow row, string source)
    {
        var (prompt, chosen) = Pair(row, source, _recipe.Data.Chosen);
        var (_, rejected) = Pair(row, source, _recipe.Data.Rejected);
        // The same prompt for both: what is left beside the longer one.
        var ((first, better), (second, worse)) = (Fit(prompt, chosen), Fit(prompt, rejected));
        return new PreferencePair(first.Length < second.Length ? first : second, better, worse);
    }

    /// <summary>The texts of a row, for a tokenizer to learn.</summary>
    public static IEnumerable<string> Texts(TableRow row, TrainingRecipe recipe, TrainingKind kind, string source)
    {
        foreach (var slot in PromptTemplate.Parse(recipe.Data.Prompt).Slots) yield return Column(row, slot, source);
        foreach (var column in kind == TrainingKind.Dpo ? new[] { recipe.Data.Chosen, recipe.Data.Rejected } : [recipe.Data.Completion]) yield return Column(row, column, source);
    }

    private (int[] Prompt, int[] Completion) Pair(TableRow row, string source, string column)
    {
        var completion = Column(row, column, source);
        if (completion.AsSpan().Trim().IsEmpty) throw new TrainingDataException($"{Name(row, source)}: column '{column}' is empty.");
        if (_chat is null)
        {
            // The template's own literals may name special tokens; what fills a slot is plain text and never does.
            var text = _prompt.Fill(_prompt.Slots.ToDictionary(slot => slot, slot => Plain(Column(row, slot, source)), StringComparer.Ordinal));
            var (prompt, answer) = Encode(text, text + Plain(completion));
            return ([.. _begin, .. prompt], [.. answer, _end]);
        }

        var filled = _prompt.Fill(_prompt.Slots.ToDictionary(slot => slot, slot => Column(row, slot, source), StringComparer.Ordinal));
        return Rendered([new ChatMessage("user", filled), new ChatMessage("assistant", completion)], source, row);
    }

    private (int[] Prompt, int[] Completion) Rendered(List<ChatMessage> messages, string source, TableRow row)
    {
        // As when the model is asked.
        var special = _tokenizer.AddedTokens.Where(token => token.IsSpecial).ToList();
        var safe = messages.ConvertAll(m => m with { Content = ModelPrompt.Defuse(m.Content, special) });
        try
        {
            var prompt = _chat!.Render(safe[..^1], addGenerationPrompt: true, ChatTemplate.Undated);
            var whole = _chat.Render(safe, clock: ChatTemplate.Undated);
            if (!whole.StartsWith(prompt, StringComparison.Ordinal) || whole.Length == prompt.Length)
                throw new TrainingDataException($"{Name(row, source)}: the chat template does not put the answer after its prompt.");
            return Encode(prompt, whole);
        }
        catch (ChatTemplateException e)
        {
            throw new TrainingDataException($"{Name(row, source)}: {e.Message}");
        }
    }

    private TrainingRow Row(List<ChatMessage> conversation, string source, TableRow row)
    {
        var (prompt, completion) = Rendered(conversation, source, row);
        return Row(prompt, completion);
    }

    private TrainingRow Row(int[] prompt, int[] completion)
    {
        (prompt, completion) = Fit(prompt, completion);
        return new TrainingRow([.. prompt, .. completion], _recipe.Batch.Learn == LearntTokens.All ? 0 : prompt.Length, 1);
    }

    private (int[] Prompt, int[] Completion) Fit(int[] prompt, int[] completion)
    {
        var most = _recipe.Batch.MaxTokens;
        if (prompt.Length + completion.Length > most) Cut++;
        completion = completion[..Math.Min(completion.Length, most - 1)];
        return (prompt[^Math.Min(prompt.Length, most - completion.Length)..], completion);
    }

    private string Plain(string text) => ModelPrompt.Defuse(text, _tokenizer.AddedTokens);

    // The model is asked with the prompt alone; what it learns to say then is how the whole goes on, unless the two would be cut into tokens across their seam.
    private (int[] Prompt, int[] Completion) Encode(string prompt, string whole)
    {
        var (asked, all) = (_tokenizer.Encode(prompt), _tokenizer.Encode(whole));
        return (asked, all.Length > asked.Length && all.AsSpan().StartsWith(asked) ? all[asked.Length..] : _tokenizer.Encode(whole[prompt.Length..]));
    }

    private static List<ChatMessage> Conversation(TableRow row, string column, string source)
    {
        var json = Column(row, column, source);
        try
        {
            using var document = JsonDocument.Parse(json);
            var messages = document.RootElement.EnumerateArray().Select(m => new ChatMessage(m.GetProperty("role").GetString()!, m.GetProperty("content").GetString()!)).ToList();
            if (messages.Count < 2 || messages[^1].Role != "assistant") throw new TrainingDataException($"{Name(row, source)}: the conversation in '{column}' must end with what the assistant says.");
            return messages;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new TrainingDataException($"{Name(row, source)}: '{column}' is no array of messages with role and content.");
        }
    }

    private static string Column(TableRow row, string column, string source)
    {
        if (row.Columns is null) throw new TrainingDataException($"{Name(row, source)} cannot be read: {row.Problem}.");
        return row.Find(column) ?? throw new TrainingDataException($"{Name(row, source)} has no column '{column}'; it has {string.Join(", ", row.Columns.Keys)}. Map it under 'data:' in the recipe.");
    }

    private static string Name(TableRow row, string source) => string.Create(CultureInfo.InvariantCulture, $"Row {row.Number} (from 0) of {source}");
}
