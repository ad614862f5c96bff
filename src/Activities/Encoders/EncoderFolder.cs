using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Encoders;

/// <summary>The files of a sentence encoder: <c>model.onnx</c>, the files with its weights if they lie outside, <c>tokenizer.json</c>.</summary>
public static class EncoderFolder
{
    /// <summary>Name of the model.</summary>
    public const string Model = "model.onnx";

    /// <summary>Full paths of the files that a run reads; others in the folder are none of them.</summary>
    /// <exception cref="EncoderException">One is missing, or the model is damaged.</exception>
    public static IReadOnlyList<string> Files(string folder)
    {
        var model = Existing(folder, Model, "Export the encoder to ONNX, for instance by 'optimum-cli export onnx'");
        try
        {
            var weights = OnnxFile.ExternalFiles(model).Select(name => Existing(folder, name, $"{Model} keeps weights in it"));
            return [model, .. weights, Existing(folder, TextTokenizer.FileName, "It comes with the encoder")];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EncoderException($"{model} cannot be read: {e.Message}", e);
        }
    }

    private static string Existing(string folder, string name, string hint)
    {
        var path = Path.Combine(folder, name);
        return File.Exists(path) ? path : throw new EncoderException($"{folder} has no {name}. {hint}.");
    }
}
