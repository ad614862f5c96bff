using XInstruct.Activities.Models;
using XInstruct.Training.Generation;

namespace XInstruct.Activities.Serving;

/// <summary>Which model is loaded, and how.</summary>
/// <param name="Folder">Model folder, and an adapter on it.</param>
public sealed record ModelHostOptions(ModelFolder Folder)
{
    /// <summary>Its name for callers; null for the folder's.</summary>
    public string? Name { get; init; }

    /// <summary>Chat template in place of the model's: a file, or the template itself.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>What the engine may use.</summary>
    public EngineOptions Engine { get; init; } = new();
}

/// <summary>A model that is loaded to write replies for whoever asks.</summary>
public sealed class ModelHost : IDisposable
{
    private readonly LocalModel _local;
    private readonly GenerationEngine _engine;

    private ModelHost(LocalModel local, GenerationEngine engine, ServedModel model, string device) => (_local, _engine, Model, Device) = (local, engine, model, device);

    /// <summary>The model as callers see it.</summary>
    public ServedModel Model { get; }

    /// <summary>Where it lies: cpu or cuda.</summary>
    public string Device { get; }

    /// <summary>Its parameters; of matrices that are held as codes, none.</summary>
    public long Parameters => _local.Decoder.parameters().Sum(p => p.numel());

    /// <summary>Bytes of its parameters.</summary>
    public long Bytes => _local.Decoder.parameters().Sum(p => p.numel() * p.element_size());

    /// <summary>What the engine does now and has done.</summary>
    public EngineStatus Status => _engine.Status;

    /// <summary>Loads a model; exceptions are those of <see cref="ModelFolder.Load"/> and <see cref="ChatPrompts.Of"/>.</summary>
    public static ModelHost Load(ModelHostOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var local = options.Folder.Load();
        try
        {
            var chat = ChatPrompts.Of(options.Folder.Path, local.Tokenizer, options.ChatTemplate);
            var engine = new GenerationEngine(local.Decoder, local.Tokenizer, options.Engine);
            var writer = new EngineWriter(engine, options.Folder.Ends(local));
            var name = options.Name ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Folder.Path)));
            return new ModelHost(local, engine, new ServedModel(name, local.Tokenizer, chat, engine.Context, engine.VocabularySize, writer, DateTimeOffset.UtcNow), options.Folder.UsedDevice);
        }
        catch
        {
            local.Decoder.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _engine.Dispose();
        _local.Decoder.Dispose();
    }
}
