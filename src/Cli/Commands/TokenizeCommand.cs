using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Spectre.Console;
using XInstruct.Cli.Display;
using XInstruct.Domain.Provenance;
using XInstruct.Training.Chat;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Cli.Commands;

/// <summary><c>tokenize</c>: the tokens of a text or a conversation, or how many a JSONL file has in each language.</summary>
internal static class TokenizeCommand
{
    public static Command Create()
    {
        var file = new Argument<string?>("file") { Description = "A text, with --chat a conversation in JSON, or a .jsonl file to count. Default: standard input.", Arity = ArgumentArity.ZeroOrOne };
        var model = new Option<string>("--model") { Description = "Model folder with tokenizer.json, or a SentencePiece model such as tokenizer.model.", Required = true };
        var chat = new Option<bool>("--chat") { Description = "The text is an array of messages, or an object with messages and more: the model's chat template makes the text." };
        var template = new Option<string>("--template") { Description = "Which of the model's chat templates.", DefaultValueFactory = _ => TokenizerConfig.DefaultTemplate };
        var special = new Option<bool>("--special") { Description = "Add the tokens that the model puts around a text. Not with --chat: the template has them." };
        var text = new Option<string>("--text") { Description = "Column of a .jsonl file that is counted.", DefaultValueFactory = _ => "text" };
        var language = new Option<string>("--lang") { Description = "Column of a .jsonl file with its language.", DefaultValueFactory = _ => "lang" };
        var command = new Command("tokenize", "Shows the ids, pieces and offsets (in code points) of a text's tokens, or counts the tokens of a .jsonl file by language.")
        {
            file, model, chat, template, special, text, language,
        };
        command.SetAction(async (result, ct) =>
        {
            var tokenizer = TextTokenizer.Load(result.GetValue(model)!);
            var json = result.GetValue(CommonOptions.Json);
            var path = result.GetValue(file);
            if (path is not null && Path.GetExtension(path) == ".jsonl" && !result.GetValue(chat))
            {
                Print(await CountAsync(path, tokenizer, result.GetValue(text)!, result.GetValue(language)!, ct), json);
                return ExitCodes.Ok;
            }

            var source = path is null ? await ReadInputAsync(ct) : await File.ReadAllTextAsync(path, ct);
            // An editor ends the last line; it is none of the text.
            source = source.EndsWith('\n') ? source[..^1] : source;
            if (result.GetValue(chat)) source = Render(source, path ?? "standard input", result.GetValue(model)!, result.GetValue(template)!);
            Print(source, tokenizer.Tokenize(source, addSpecialTokens: result.GetValue(special) && !result.GetValue(chat)), json);
            return ExitCodes.Ok;
        });
        return command.WithExamples(
            "echo 'Habari ya asubuhi' | xinstruct tokenize --model models/tiny",
            "xinstruct tokenize chat.json --model models/tiny --chat --json",
            "xinstruct tokenize corpus.jsonl --model models/tiny --text output --lang language");
    }

    private static async Task<string> ReadInputAsync(CancellationToken ct)
    {
        using var reader = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false));
        return await reader.ReadToEndAsync(ct);
    }

    private static string Render(string source, string name, string model, string template)
    {
        var found = ChatTemplate.Load(model, template)
            ?? throw new UsageException($"{model} has no chat template: neither {TokenizerConfig.FileName} nor {TokenizerConfig.TemplateFileName} has one.");
        try
        {
            using var document = JsonDocument.Parse(source, new JsonDocumentOptions { AllowDuplicateProperties = false });
            var root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Array) return found.Render(root);
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("messages", out var messages)) throw new UsageException($"{name} is neither an array of messages nor an object with messages.");
            var others = root.EnumerateObject().Where(member => member.Name is not ("messages" or "add_generation_prompt")).ToDictionary(member => member.Name, member => (object?)member.Value);
            return found.Render(messages, root.TryGetProperty("add_generation_prompt", out var prompt) && prompt.ValueKind == JsonValueKind.True, others);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new UsageException($"{name} is not JSON: {e.Message}");
        }
    }

    private static async Task<List<LanguageTokens>> CountAsync(string path, TextTokenizer tokenizer, string text, string language, CancellationToken ct)
    {
        var counts = new SortedDictionary<string, LanguageTokens>(StringComparer.Ordinal);
        var number = 0;
        await foreach (var line in File.ReadLinesAsync(path, ct))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line)) continue;
            var (content, lang) = Row(line, path, number, text, language);
            var ids = tokenizer.Encode(content);
            var before = counts.GetValueOrDefault(lang) ?? new LanguageTokens(lang, 0, 0, 0, 0);
            counts[lang] = before with
            {
                Rows = before.Rows + 1,
                Tokens = before.Tokens + ids.Length,
                Characters = before.Characters + content.EnumerateRunes().Count(),
                Longest = Math.Max(before.Longest, ids.Length),
            };
        }

        return [.. counts.Values];
    }

    private static (string Text, string Language) Row(string line, string path, int number, string text, string language)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty(text, out var content) || content.ValueKind != JsonValueKind.String)
                throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{path}, line {number}: there is no text '{text}'. --text names the column."));
            var lang = document.RootElement.TryGetProperty(language, out var found) && found.ValueKind == JsonValueKind.String ? found.GetString()! : "-";
            return (content.GetString()!, lang);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{path}, line {number}: not a JSON object of text ({e.Message})."));
        }
    }

    private static void Print(List<LanguageTokens> counts, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { Languages = counts }, EventJson.Options));
            return;
        }

        var table = new Table().AddColumns("lang", "rows", "tokens", "tokens/row", "characters/token", "longest row");
        foreach (var one in counts)
        {
            table.AddRow(
                Markup.Escape(TerminalText.Clean(one.Language)), Shown($"{one.Rows}"), Shown($"{one.Tokens}"), Shown($"{(double)one.Tokens / one.Rows:F1}"),
                one.Tokens == 0 ? "-" : Shown($"{(double)one.Characters / one.Tokens:F2}"), Shown($"{one.Longest}"));
        }

        AnsiConsole.Write(table);

        static string Shown(FormattableString number) => FormattableString.Invariant(number);
    }

    private static void Print(string text, TextToken[] tokens, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(
                new { Text = text, Ids = tokens.Select(t => t.Id), Pieces = tokens.Select(t => t.Piece), Offsets = tokens.Select(t => new[] { t.Start, t.End }) }, EventJson.Options));
            return;
        }

        foreach (var token in tokens) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{token.Id,8}  {token.Start}-{token.End}\t{TerminalText.Clean(token.Piece)}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{tokens.Length} tokens, {text.EnumerateRunes().Count()} characters"));
    }

    /// <summary>What a language has in a file.</summary>
    private sealed record LanguageTokens(string Language, int Rows, long Tokens, long Characters, int Longest);
}
