namespace XInstruct.Training.Checkpoints;

/// <summary>A checkpoint file that cannot be used.</summary>
public sealed class CheckpointException(string file, string tensor, string problem) : Exception($"{file}: {(tensor.Length > 0 ? tensor + ": " : "")}{problem}")
{
    // A file may have as many wrong names as it has room for.
    private const int MaxListed = 1000;

    /// <summary>Several things wrong with one file or folder; the first one's tensor is <see cref="TensorName"/>.</summary>
    internal CheckpointException(string file, IReadOnlyList<(string Tensor, string Problem)> problems)
        : this(file, problems[0].Tensor, Listed(problems))
    {
        TensorNames = [.. problems.Select(problem => problem.Tensor)];
    }

    /// <summary>File that was read.</summary>
    public string File { get; } = file;

    /// <summary>Tensor that is wrong; empty when it is the file.</summary>
    public string TensorName { get; } = tensor;

    /// <summary>All tensors that are wrong.</summary>
    public IReadOnlyList<string> TensorNames { get; } = tensor.Length > 0 ? [tensor] : [];

    private static string Listed(IReadOnlyList<(string Tensor, string Problem)> problems)
    {
        if (problems.Count == 1) return problems[0].Problem;
        var listed = problems.Take(MaxListed).Select((problem, i) => i == 0 ? problem.Problem : $"{problem.Tensor}: {problem.Problem}");
        var more = problems.Count - MaxListed;
        return $"{string.Join(' ', listed)}{(more > 0 ? $" … and {more} more." : "")} ({problems.Count} in all)";
    }
}
