using System.Text.Json;
using XInstruct.Training.Chat;
using XInstruct.Training.Tokenizers;
using Xunit.Abstractions;

namespace XInstruct.Training.Tests.Chat;

/// <summary>Renderings against two other implementations of Jinja.</summary>
public sealed class GoldenChatTemplateTests(ITestOutputHelper output)
{
    private readonly List<string> _wrong = [];

    [Fact]
    public void Render_GoldenCases_AreExact()
    {
        if (Golden.Find("chat_templates/golden.json") is not { } path)
        {
            output.WriteLine("skipped: there is no chat_templates/golden.json");
            return;
        }

        var golden = Golden.Json(path);
        var templates = golden.GetProperty("templates").EnumerateObject().ToDictionary(template => template.Name, template => ChatTemplate.Parse(
            template.Value.GetProperty("template").GetString()!, template.Name, new Dictionary<string, string>
            {
                ["bos_token"] = template.Value.GetProperty("bos_token").GetString()!,
                ["eos_token"] = template.Value.GetProperty("eos_token").GetString()!,
            }));
        var cases = golden.GetProperty("cases").EnumerateArray().ToList();
        foreach (var item in cases) Check(templates[item.GetProperty("template").GetString()!], item);
        output.WriteLine($"chat_templates: {templates.Count} templates, {cases.Count} cases");
        cases.ShouldNotBeEmpty();
        _wrong.ShouldBeEmpty();
    }

    [Fact]
    public void Render_GoldenTokenizers_GiveTheSameTextsAndIds()
    {
        foreach (var (name, path) in Golden.Folders("tokenizers").Where(folder => File.Exists(Path.Combine(folder.Path, TextTokenizer.FileName))))
        {
            var chats = Golden.Json(Path.Combine(path, "golden.json")).GetProperty("chat").EnumerateArray().ToList();
            if (chats.Count == 0) continue;
            var template = ChatTemplate.Load(path).ShouldNotBeNull();
            var tokenizer = TextTokenizer.Load(path);
            foreach (var chat in chats)
            {
                var text = template.Render(chat.GetProperty("messages"), chat.GetProperty("add_generation_prompt").GetBoolean());
                if (text != chat.GetProperty("rendered").GetString()) _wrong.Add($"{name}: {text}");
                else if (!tokenizer.Encode(text).SequenceEqual(chat.GetProperty("ids").Ints())) _wrong.Add($"{name}: ids of {text}");
            }

            output.WriteLine($"{name}: {chats.Count} chats");
        }

        _wrong.ShouldBeEmpty();
    }

    private void Check(ChatTemplate template, JsonElement item)
    {
        var variables = item.GetProperty("kwargs").EnumerateObject().ToDictionary(variable => variable.Name, variable => (object?)variable.Value);
        var (text, problem) = ("", "");
        try
        {
            text = template.Render(item.GetProperty("messages"), item.GetProperty("add_generation_prompt").GetBoolean(), variables);
        }
        catch (ChatTemplateException error)
        {
            problem = error.Problem;
        }

        var expected = item.TryGetProperty("rendered", out var rendered) ? rendered.GetString()! : "";
        var refusal = item.TryGetProperty("error", out var error2) ? error2.GetString()! : "";
        if (text != expected || problem != refusal) _wrong.Add($"{template.Name}: <{text}{problem}>, not <{expected}{refusal}>");
    }
}
