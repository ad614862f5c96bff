using System.Text.Json.Nodes;
using XInstruct.Activities.Releases;

namespace XInstruct.Activities.Exports;

/// <summary>A format that a release can be exported to.</summary>
public sealed class ExportFormat
{
    private readonly Func<Stream, RowWriter> _open;
    private readonly Func<JsonObject>? _factoryEntry;

    private ExportFormat(string name, string extension, Func<Stream, RowWriter> open, Func<JsonObject>? factoryEntry = null) =>
        (Name, Extension, _open, _factoryEntry) = (name, extension, open, factoryEntry);

    /// <summary>All formats, by the names that the command line knows.</summary>
    public static IReadOnlyList<ExportFormat> All { get; } =
    [
        new("alpaca", ".json", s => new JsonArrayWriter(s, r => new { r.Instruction, Input = "", r.Output }), () => new JsonObject
        {
            ["columns"] = new JsonObject { ["prompt"] = "instruction", ["query"] = "input", ["response"] = "output" },
        }),
        new("sharegpt", ".json", s => new JsonArrayWriter(s, r => new { Conversations = new[] { new { From = "human", Value = r.Instruction }, new { From = "gpt", Value = r.Output } } }), () => new JsonObject
        {
            ["formatting"] = "sharegpt",
            ["columns"] = new JsonObject { ["messages"] = "conversations" },
        }),
        new("messages", ".json", s => new JsonArrayWriter(s, r => new { Messages = new[] { new { Role = "user", Content = r.Instruction }, new { Role = "assistant", Content = r.Output } } }), () => new JsonObject
        {
            ["formatting"] = "sharegpt",
            ["columns"] = new JsonObject { ["messages"] = "messages" },
            ["tags"] = new JsonObject { ["role_tag"] = "role", ["content_tag"] = "content", ["user_tag"] = "user", ["assistant_tag"] = "assistant", ["system_tag"] = "system" },
        }),
        new("jsonl", ".jsonl", s => new JsonLinesWriter(s)),
        new("csv", ".csv", s => new CsvWriter(s)),
        new("parquet", ".parquet", s => new ParquetWriter(s)),
        new("huggingface", ".parquet", s => new ParquetWriter(s)) { IsDataset = true },
    ];

    /// <summary>Name on the command line.</summary>
    public string Name { get; }

    /// <summary>Ending of its files, with the dot.</summary>
    public string Extension { get; }

    /// <summary>A folder with a card, Parquet in it, the sealed files and the data sheet, rather than files alone.</summary>
    public bool IsDataset { get; private init; }

    /// <summary>The format of a name; null when there is none.</summary>
    public static ExportFormat? Find(string name) => All.FirstOrDefault(f => f.Name == name);

    /// <summary>What dataset_info.json of LLaMA-Factory says of a file; null for a format that it needs no entry for.</summary>
    internal JsonObject? FactoryEntry(string file)
    {
        if (_factoryEntry is null) return null;
        var entry = new JsonObject { ["file_name"] = file };
        foreach (var (key, value) in _factoryEntry()) entry[key] = value?.DeepClone();
        return entry;
    }

    internal RowWriter Open(Stream output) => _open(output);
}
