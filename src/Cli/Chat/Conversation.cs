using System.Text.Encodings.Web;
using System.Text.Json;
using XInstruct.Training.Chat;

namespace XInstruct.Cli.Chat;

/// <summary>What has been said so far.</summary>
/// <param name="system">What the system says first; null for nothing.</param>
internal sealed class Conversation(string? system)
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly List<ChatMessage> _said = [];

    /// <summary>What the system says first; null for nothing.</summary>
    public string? System { get; set; } = system;

    /// <summary>All messages, the system's first.</summary>
    public IReadOnlyList<ChatMessage> Messages => System is null ? _said : [new ChatMessage("system", System), .. _said];

    /// <summary>Messages of the user and the model.</summary>
    public int Count => _said.Count;

    public void Say(string role, string text) => _said.Add(new ChatMessage(role, text));

    /// <summary>Takes back what was said last.</summary>
    public void TakeBack() => _said.RemoveAt(_said.Count - 1);

    /// <summary>Forgets everything but the system's message.</summary>
    public void Reset() => _said.Clear();

    /// <summary>Forgets the oldest question and its answer; whether there was one before the last question.</summary>
    public bool ForgetOldest()
    {
        if (_said.Count < 3) return false;
        _said.RemoveRange(0, 2);
        return true;
    }

    /// <summary>Writes the messages as <c>tokenize --chat</c> and the API read them.</summary>
    public void Save(string path) => File.WriteAllText(path, JsonSerializer.Serialize(new { Messages }, s_json) + "\n");
}
