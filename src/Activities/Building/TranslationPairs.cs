using System.Globalization;
using System.Runtime.CompilerServices;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Languages;
using XInstruct.Domain.Prompts;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Tasks;

namespace XInstruct.Activities.Building;

/// <summary>Makes the pairs of one direction of question translation from two files whose rows are in step.</summary>
internal sealed class TranslationPairs(BuildRecipe recipe, TaskCatalogue catalogue, string direction)
{
    private readonly QuestionTranslationOptions _options = recipe.QuestionTranslation!;

    /// <summary>Pairs, and rows that were left out.</summary>
    /// <param name="path">Path of a language's file by its place among the files.</param>
    /// <param name="ct">Cancellation.</param>
    public async IAsyncEnumerable<BuildLine> ReadAsync(Func<int, string> path, [EnumeratorCancellation] CancellationToken ct)
    {
        var (task, line) = (catalogue.Dataset(_options.Task), PromptTemplate.Parse(_options.Line));
        var (from, to) = _options.Codes(direction) ?? throw new JobException($"'{direction}' is no direction between languages of questionTranslation.files.");
        var (source, target) = (FileOf(from), FileOf(to));
        var (sourceLanguage, targetLanguage) = (Language.Parse(from), Language.Parse(to));
        await using var others = TableReader.ReadAsync(path(target.Index), new TableReadOptions(recipe.MaxRowBytes), ct).GetAsyncEnumerator(ct);
        var (taken, read, left) = (0L, 0L, 0L);
        await foreach (var row in TableReader.ReadAsync(path(source.Index), new TableReadOptions(recipe.MaxRowBytes), ct))
        {
            if (!await others.MoveNextAsync()) throw Uneven(to, read, from);
            ThrowIfCut(row, from);
            ThrowIfCut(others.Current, to);
            read++;
            if (_options.Rows > 0 && taken == _options.Rows)
            {
                left++;
                continue;
            }

            var (first, second) = (Fields(row, source.Item, task), Fields(others.Current, target.Item, task));
            if ((first.Problem ?? second.Problem) is { } problem)
            {
                yield return new BuildLine(Drop: new BuildDrop($"{_options.Task} {(first.Problem is null ? to : from)}", row.Number + 1, task.Name, DataSplit.Train, problem.Reason, problem.Detail));
                continue;
            }

            var (input, answer) = QuestionTranslation.Of(task, sourceLanguage, targetLanguage, first.Values!, second.Values!, line);
            taken++;
            yield return new BuildLine(new BuildRow
            {
                Source = direction,
                Row = row.Number + 1,
                Dataset = task.Name,
                Cluster = task.Cluster,
                Lang = direction,
                Licence = task.Licence.Name,
                Template = "question-translation",
                Id = (row.Number + 1).ToString(CultureInfo.InvariantCulture),
                Input = input,
                Output = answer,
            });
        }

        if (await others.MoveNextAsync()) throw Uneven(from, read, to);
        yield return new BuildLine(Count: new BuildCount(direction, task.Name, DataSplit.Train, "read", read));
        if (left > 0) yield return new BuildLine(Count: new BuildCount(direction, task.Name, DataSplit.Train, "not-drawn", left));
    }

    private static void ThrowIfCut(TableRow row, string language)
    {
        if (row.Problem == TableRow.Truncated) throw new JobException(FormattableString.Invariant($"The file of '{language}' is cut in row {row.Number + 1}: row n of one file must be row n of the other (questionTranslation.files). Give the whole file."));
    }

    private static JobException Uneven(string shorter, long rows, string longer) => new(string.Create(
        CultureInfo.InvariantCulture,
        $"The file of '{shorter}' ends after {rows} rows, that of '{longer}' goes on: row n of one must be row n of the other (questionTranslation.files)."));

    private (int Index, TranslationFile Item) FileOf(string language) => _options.Files.Index().First(file => file.Item.Lang == language);

    private static (Dictionary<string, string>? Values, PromptProblem? Problem) Fields(TableRow row, TranslationFile file, TaskDataset task)
    {
        if (row.Columns is null) return (null, new PromptProblem(row.Problem!, ""));
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var field in task.Fields)
        {
            var column = file.Columns.GetValueOrDefault(field) ?? task.ColumnOf(field);
            // Byte for byte: a blank at an end stays.
            if (row.Find(column) is not { } text) return (null, new PromptProblem("column-missing", column));
            values[field] = text;
        }

        return (values, null);
    }
}
