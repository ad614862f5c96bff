using System.Text.Json;
using TorchSharp;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using XInstruct.Training.Quantization;
using XInstruct.Training.Tokenizers;
using PeftAdapter = XInstruct.Training.Adapters.Adapter;

namespace XInstruct.Activities.Models;

/// <summary>A model folder in Hugging Face's layout, and how it is to be loaded.</summary>
/// <param name="Path">The folder.</param>
/// <param name="Adapter">Folder of an adapter in PEFT's layout that is put on the model; null for none.</param>
/// <param name="Device">cpu, cuda, or null for the GPU where there is one.</param>
/// <param name="Type">float32, bfloat16, float16, or null for float32 on the CPU and bfloat16 on a GPU.</param>
/// <param name="Quantization">nf4, fp4, dynamic8 or int8: how the layers' matrices are held in fewer bits; null for as they are.</param>
public sealed record ModelFolder(string Path, string? Adapter = null, string? Device = null, string? Type = null, string? Quantization = null)
{
    private const long LongestConfig = 1 << 20;

    /// <summary>Allowed values of <see cref="Device"/>.</summary>
    public static readonly IReadOnlyList<string> Devices = ["cpu", "cuda"];

    /// <summary>Allowed values of <see cref="Type"/>.</summary>
    public static readonly IReadOnlyList<string> Types = ["float32", "bfloat16", "float16"];

    /// <summary>Allowed values of <see cref="Quantization"/>.</summary>
    public static readonly IReadOnlyList<string> Quantizations = [.. Enum.GetNames<WeightCodes>().Select(name => name.ToLowerInvariant())];

    /// <summary>The device that is used.</summary>
    public string UsedDevice => Device ?? (torch.cuda.is_available() ? "cuda" : "cpu");

    /// <summary>The type that is used.</summary>
    public string UsedType => Type ?? (UsedDevice == "cuda" ? "bfloat16" : "float32");

    /// <summary>Loads the model with its tokenizer; small files first, so that what is wrong with them is known before gigabytes are read.</summary>
    /// <exception cref="ModelConfigException">A config.json or adapter_config.json cannot be used.</exception>
    /// <exception cref="CheckpointException">Tensors are missing or damaged.</exception>
    /// <exception cref="TokenizerFileException">The tokenizer cannot be used.</exception>
    /// <exception cref="ModelFolderException">The folder is absent, or there is no such device.</exception>
    public LocalModel Load()
    {
        if (!Directory.Exists(Path)) throw new ModelFolderException($"There is no folder {Path}. A model is a folder with config.json, model.safetensors and a tokenizer.");
        if (UsedDevice == "cuda" && !torch.cuda.is_available()) throw new ModelFolderException("There is no GPU that this build can use. 'xinstruct doctor' says what it sees.");
        var tokenizer = TextTokenizer.Load(Path);
        var type = UsedType switch
        {
            "bfloat16" => torch.ScalarType.BFloat16,
            "float16" => torch.ScalarType.Float16,
            _ => torch.ScalarType.Float32,
        };
        var codes = Quantization is { } name ? new QuantizationOptions { Codes = Enum.Parse<WeightCodes>(name, ignoreCase: true) } : null;
        var decoder = Checkpoint.Load(Path, UsedDevice == "cuda" ? torch.CUDA : torch.CPU, type: type, quantization: codes);
        try
        {
            if (Adapter is not null)
            {
                var adapter = PeftAdapter.Load(decoder, Adapter);
                // One product instead of three; where only codes are held there is nothing to add to.
                if (codes is null) adapter.Merge();
            }

            return new LocalModel(decoder, tokenizer);
        }
        catch
        {
            decoder.Dispose();
            throw;
        }
    }

    /// <summary>Ids that end a continuation: all that the model's files name.</summary>
    public IReadOnlyList<int> Ends(LocalModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var ids = new SortedSet<int>(Configured(System.IO.Path.Combine(Path, "generation_config.json")));
        if (model.Decoder.Config.EndId is { } id) ids.Add(id);
        if (TokenizerConfig.Load(Path).EndToken is { } token && model.Tokenizer.FindId(token) is { } named) ids.Add(named);
        return [.. ids];
    }

    private static IEnumerable<int> Configured(string path)
    {
        if (new FileInfo(path) is not { Exists: true, Length: <= LongestConfig }) return [];
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty("eos_token_id", out var ends)) return [];
            var values = ends.ValueKind == JsonValueKind.Array ? ends.EnumerateArray().ToList() : [ends];
            return [.. values.Where(v => v.ValueKind == JsonValueKind.Number).Select(v => v.TryGetInt32(out var id) ? id : -1).Where(id => id >= 0)];
        }
        catch (JsonException e)
        {
            throw new ModelConfigException(path, "eos_token_id", $"cannot be read: {e.Message}");
        }
    }
}

/// <summary>A model cannot be loaded because of what was asked for.</summary>
public sealed class ModelFolderException(string message) : Exception(message);
