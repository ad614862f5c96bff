using TorchSharp;
using XInstruct.Activities.Models;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Tests.Serving;

/// <summary>A model folder with random weights, whose replies are noise and always the same.</summary>
internal sealed class TinyModelFolder : IDisposable
{
    /// <summary>Path of the folder; its name is the model's.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("xi-model-").FullName;

    public TextTokenizer Tokenizer { get; }

    public TinyModelFolder(string? template = "{% for m in messages %}<|instruction|>{{ m.content }}{% endfor %}<|text|>")
    {
        string[] texts = ["Habari ya asubuhi rafiki yangu, leo ni siku nzuri sana ya kazi na mapumziko.", "Sabah erken kalktım ve çarşıya gittim; hava güzeldi."];
        Tokenizer = ByteLevelBpeTrainer.Train(texts.SelectMany(t => new[] { t, t }), 360, ModelPrompt.SpecialTokens);
        Tokenizer.Save(Path);
        if (template is not null) File.WriteAllText(System.IO.Path.Combine(Path, TokenizerConfig.TemplateFileName), template);
        var config = DecoderConfig.Llama(Tokenizer.Size, hidden: 32, layers: 2, heads: 4, intermediate: 64, initStd: 0.25, endId: Tokenizer.SpecialId(ModelPrompt.End), padId: 0);
        using var model = Decoder.Random(config, seed: 3);
        Checkpoint.Save(model, Path);
    }

    public Decoder Load() => Checkpoint.Load(Path, torch.CPU);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
