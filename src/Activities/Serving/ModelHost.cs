using System.Text.Json;
using TorchSharp;
using XInstruct.Activities.Models;
using XInstruct.Training.Adapters;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Generation;
using XInstruct.Training.Models;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Serving;

/// <summary>Which model is loaded, and how.</summary>
/// <param name="Folder">Model folder in Hugging Face's layout.</param>
public sealed record ModelHostOptions(string Folder)
{
    /// <summary>Folder of an adapter in PEFT's layout that is put on the model; null for none.</summary>
    public string? Adapter { get; init; }

    /// <summary>Its name for callers; null for the folder's.</summary>
    public string? Name { get; init; }

    /// <summary>Chat template in place of the model's: a file, or the template itself.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>cpu, cuda, or null for the GPU where there is one.</summary>
    public string? Device { get; init; }

    /// <summary>What the engine may use.</summary>
    public EngineOptions Engine { get; init; } = new();
}

/// <summary>A model that is loaded to write replies for whoever asks.</summary>
public sealed class ModelHost : IDisposable
{
    private static readonly JsonDocumentOptions s_shallow = new() { MaxDepth = 16 };

    private const long LongestConfig = 1 << 20;

    private readonly Decoder _decoder;
    private readonly GenerationEngine _engine;

    private ModelHost(Decoder decoder, GenerationEngine engine, ServedModel model, string device) => (_decoder, _engine, Model, Device) = (decoder, engine, model, device);

    /// <summary>The model as callers see it.</summary>
    public ServedModel Model { get; }

    /// <summary>Where it lies: cpu or cuda.</summary>
    public string Device { get; }

    /// <summary>Its parameters, an adapter's included.</summary>
    public long Parameters => _decoder.parameters().Sum(p => p.numel());

    /// <summary>Bytes of its parameters.</summary>
    public long Bytes => _decoder.parameters().Sum(p => p.numel() * p.element_size());

    /// <summary>What the engine does now and has done.</summary>
    public EngineStatus Status => _engine.Status;

    /// <summary>Loads a model.</summary>
    /// <exception cref="ModelConfigException">A config.json cannot be used.</exception>
    /// <exception cref="CheckpointException">Tensors are missing or damaged.</exception>
    /// <exception cref="TokenizerFileException">The tokenizer cannot be used.</exception>
    /// <exception cref="Training.Chat.ChatTemplateException">The chat template cannot be read.</exception>
    /// <exception cref="ArgumentException">There is no such device.</exception>
    public static ModelHost Load(ModelHostOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var device = options.Device ?? (torch.cuda.is_available() ? "cuda" : "cpu");
        if (device is not ("cpu" or "cuda")) throw new ArgumentException($"'{device}' is no device; there are cpu and cuda.", nameof(options));
        if (device == "cuda" && !torch.cuda.is_available()) throw new ArgumentException("There is no GPU that this build can use. 'xinstruct doctor' says what it sees.", nameof(options));
        var folder = Path.GetFullPath(options.Folder);
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"There is no folder {options.Folder}. A model is a folder with config.json, model.safetensors and a tokenizer.");
        // Small files first: what is wrong with them is known before gigabytes are read.
        var tokenizer = TextTokenizer.Load(folder);
        var chat = ChatPrompts.Of(folder, tokenizer, options.ChatTemplate);
        var type = device == "cuda" ? torch.ScalarType.BFloat16 : torch.ScalarType.Float32;
        var decoder = Checkpoint.Load(folder, device == "cuda" ? torch.CUDA : torch.CPU, type: type);
        try
        {
            if (options.Adapter is not null) Adapter.Load(decoder, options.Adapter);
            var engine = new GenerationEngine(decoder, tokenizer, options.Engine);
            var writer = new EngineWriter(engine, Ends(folder, tokenizer, decoder.Config));
            var name = options.Name ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(folder));
            return new ModelHost(decoder, engine, new ServedModel(name, tokenizer, chat, engine.Context, engine.VocabularySize, writer, DateTimeOffset.UtcNow), device);
        }
        catch
        {
            decoder.Dispose();
            throw;
        }
    }

    /// <summary>Ids that end a reply: all that the model's files name.</summary>
    internal static IReadOnlyList<int> Ends(string folder, TextTokenizer tokenizer, DecoderConfig config)
    {
        var ids = new SortedSet<int>(Configured(Path.Combine(folder, "generation_config.json")));
        if (config.EndId is { } id) ids.Add(id);
        if (TokenizerConfig.Load(folder).EndToken is { } token && tokenizer.FindId(token) is { } named) ids.Add(named);
        if (ids.Count == 0) ids.Add(ModelPrompt.EndOf(tokenizer, folder));
        return [.. ids];
    }

    private static IEnumerable<int> Configured(string path)
    {
        if (new FileInfo(path) is not { Exists: true, Length: <= LongestConfig }) return [];
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path), s_shallow);
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty("eos_token_id", out var ends)) return [];
            var values = ends.ValueKind == JsonValueKind.Array ? ends.EnumerateArray().ToList() : [ends];
            return [.. values.Where(v => v.ValueKind == JsonValueKind.Number).Select(v => v.TryGetInt32(out var id) ? id : -1).Where(id => id >= 0)];
        }
        catch (JsonException e)
        {
            throw new ModelConfigException(path, "eos_token_id", $"cannot be read: {e.Message}");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _engine.Dispose();
        _decoder.Dispose();
    }
}
