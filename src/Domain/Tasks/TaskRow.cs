using System.Text.RegularExpressions;

namespace XInstruct.Domain.Tasks;

/// <summary>A row of a task file in KORANI's layout.</summary>
/// <param name="Number">Its number in the file, from 1, the header not counted.</param>
/// <param name="Input">Prompt.</param>
/// <param name="Output">Right answer.</param>
/// <param name="Choices">What may be answered; empty for a generation task.</param>
/// <param name="Dataset">Data set.</param>
/// <param name="Id">Its id there.</param>
public sealed record TaskRow(long Number, string Input, string Output, IReadOnlyList<string> Choices, string Dataset, string Id)
{
    private const string Separator = "|||";

    /// <summary>Choices as a column holds them.</summary>
    public static IReadOnlyList<string> ChoicesOf(string column)
    {
        ArgumentNullException.ThrowIfNull(column);
        return string.IsNullOrWhiteSpace(column) ? [] : column.Split(Separator);
    }
}

/// <summary>What can be wrong with a row.</summary>
public enum TaskTrap
{
    /// <summary>The right answer is none of the choices: nobody can get it right.</summary>
    AnswerNotAmongChoices,

    /// <summary>A choice occurs twice, or there is only one.</summary>
    ChoicesAlike,

    /// <summary>The data set has choices in other rows or files, this row has none.</summary>
    NoChoices,

    /// <summary>There is no right answer, or no prompt.</summary>
    Empty,

    /// <summary>The id is a number with a decimal point, which a spreadsheet made of an integer.</summary>
    FractionalId,

    /// <summary>Another row of the data set has this id.</summary>
    RepeatedId,

    /// <summary>Braces or separators of a template were left in the prompt.</summary>
    TemplateLeft,
}

/// <summary>Something wrong with a row.</summary>
/// <param name="Row">The row's number.</param>
/// <param name="Trap">What.</param>
/// <param name="Detail">The text that shows it.</param>
public sealed record TaskProblem(long Row, TaskTrap Trap, string Detail);

/// <summary>Finds what would spoil an evaluation before it is run.</summary>
public static partial class TaskRows
{
    /// <summary>All problems, by row.</summary>
    /// <param name="rows">Rows of one file.</param>
    /// <param name="withChoices">Data sets that are known to be classified, from other files or a registry.</param>
    public static IReadOnlyList<TaskProblem> Check(IReadOnlyList<TaskRow> rows, IReadOnlySet<string> withChoices)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(withChoices);
        var classified = rows.Where(row => row.Choices.Count > 0).Select(row => row.Dataset).Concat(withChoices).ToHashSet(StringComparer.Ordinal);
        var repeated = rows.CountBy(row => (row.Dataset, row.Id)).Where(entry => entry.Value > 1).Select(entry => entry.Key).ToHashSet();
        return [.. rows.SelectMany(row => Of(row, classified, repeated))];
    }

    /// <summary>Whether an id is an integer with ".0" behind it.</summary>
    public static bool IsFractional(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        return id.Length > 2 && id.EndsWith(".0", StringComparison.Ordinal) && id.AsSpan(0, id.Length - 2).IndexOfAnyExceptInRange('0', '9') < 0;
    }

    private static IEnumerable<TaskProblem> Of(TaskRow row, HashSet<string> classified, HashSet<(string, string)> repeated)
    {
        if (string.IsNullOrWhiteSpace(row.Input)) yield return new TaskProblem(row.Number, TaskTrap.Empty, "input");
        if (string.IsNullOrWhiteSpace(row.Output)) yield return new TaskProblem(row.Number, TaskTrap.Empty, "output");
        else if (row.Choices.Count > 0 && !row.Choices.Contains(row.Output, StringComparer.Ordinal))
            yield return new TaskProblem(row.Number, TaskTrap.AnswerNotAmongChoices, $"{row.Output} is none of {string.Join(", ", row.Choices)}");
        if (row.Choices.Count == 0 && classified.Contains(row.Dataset)) yield return new TaskProblem(row.Number, TaskTrap.NoChoices, row.Dataset);
        if (row.Choices.Count == 1 || row.Choices.Distinct(StringComparer.Ordinal).Count() < row.Choices.Count)
            yield return new TaskProblem(row.Number, TaskTrap.ChoicesAlike, string.Join(", ", row.Choices));
        if (IsFractional(row.Id))
            yield return new TaskProblem(row.Number, TaskTrap.FractionalId, row.Id);
        if (repeated.Contains((row.Dataset, row.Id))) yield return new TaskProblem(row.Number, TaskTrap.RepeatedId, $"{row.Dataset} {row.Id}");
        if (Left(row.Input) is { } left) yield return new TaskProblem(row.Number, TaskTrap.TemplateLeft, left);
    }

    // A brace without its other half, doubled ones, or a slot that nobody filled: a text in JSON has pairs with more in them.
    private static string? Left(string input)
    {
        if (input.Contains("|||", StringComparison.Ordinal)) return "|||";
        var depth = 0;
        for (var i = 0; i < input.Length; i++)
        {
            depth += input[i] switch { '{' => 1, '}' => -1, _ => 0 };
            if (depth < 0) return Around(input, i);
        }

        if (depth > 0) return Around(input, input.LastIndexOf('{'));
        if (Slot().Match(input) is { Success: true } slot) return Around(input, slot.Index);
        var doubled = input.Replace(" ", "", StringComparison.Ordinal).Contains("{{", StringComparison.Ordinal) ? input.IndexOf('{', StringComparison.Ordinal) : -1;
        return doubled < 0 ? null : Around(input, doubled);
    }

    [GeneratedRegex(@"\{[A-Za-z_][A-Za-z0-9_]*\}", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Slot();

    private static string Around(string input, int at) => input[Math.Max(0, at - 20)..Math.Min(input.Length, at + 20)];
}
