namespace XInstruct.Domain.Curation;

/// <summary>A row of merged instruction data.</summary>
/// <param name="Instruction">Instruction, with its input when there was one.</param>
/// <param name="Output">Answer.</param>
/// <param name="Group">The source that it comes from.</param>
/// <param name="Length">Code points of the instruction.</param>
public sealed record CurationRow(string Instruction, string Output, string Group, int Length)
{
    /// <summary>Merges the columns of a source's row.</summary>
    /// <param name="instruction">Instruction.</param>
    /// <param name="input">What it is about; null or empty when it stands alone.</param>
    /// <param name="output">Answer.</param>
    /// <param name="group">The source.</param>
    /// <returns>Null when instruction or answer is empty.</returns>
    public static CurationRow? Merge(string instruction, string? input, string output, string group)
    {
        ArgumentNullException.ThrowIfNull(instruction);
        ArgumentNullException.ThrowIfNull(output);
        var whole = (string.IsNullOrWhiteSpace(input) ? instruction : $"{instruction} {input}").Trim();
        output = output.Trim();
        return whole.Length == 0 || output.Length == 0 ? null : new CurationRow(whole, output, group, whole.EnumerateRunes().Count());
    }
}
