using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using XInstruct.Training.Tokenizers;

namespace XInstruct.EndToEnd;

/// <summary>A random model with a byte-level tokenizer and a chat template.</summary>
internal static class TinyModel
{
    /// <summary>Writes its folder; the greater the spread of its weights, the surer it is of the next token.</summary>
    public static void Write(string folder, int hidden = 32, int layers = 2, double initStd = 0.25)
    {
        var tokenizer = ByteLevelBpeTrainer.Train(["Habari ya asubuhi", "Nchi yangu ni nzuri sana", "\n### ", "🙂"], 300, ["<|end|>", "<|user|>", "<|assistant|>"]);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, TokenizerConfig.FileName), """
            {"eos_token":"<|end|>","chat_template":"{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tools') }}{% endif %}<|{{ 'user' if m.role == 'system' else m.role }}|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"}
            """);
        tokenizer.Save(folder);
        using var model = Decoder.Random(DecoderConfig.Llama(tokenizer.Size, hidden, layers, heads: 4, intermediate: hidden * 2, initStd: initStd, endId: tokenizer.SpecialId("<|end|>"), padId: 0), seed: 5);
        Checkpoint.Save(model, folder);
    }
}
