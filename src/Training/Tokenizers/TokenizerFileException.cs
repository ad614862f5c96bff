namespace XInstruct.Training.Tokenizers;

/// <summary>A tokenizer file that cannot be read or that asks for something not supported; names the file and the field.</summary>
public sealed class TokenizerFileException(string file, string field, string problem, Exception? inner = null)
    : Exception(field.Length == 0 ? $"{file}: {problem}" : $"{file}: field '{field}': {problem}", inner)
{
    /// <summary>Path of the file.</summary>
    public string File { get; } = file;

    /// <summary>Path of the field inside the file, such as <c>model.vocab</c>; empty when the whole file is meant.</summary>
    public string Field { get; } = field;
}
