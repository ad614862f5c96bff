using System.Text;
using System.Text.Json;
using XInstruct.Activities.Exports;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Building;

/// <summary>A file of built rows: JSONL with all that is known of a row, KORANI's CSV, or a JSON array in the published form of its kind.</summary>
internal abstract class RowFile(string path) : IDisposable
{
    private readonly FileStream _file = Open(path);

    /// <summary>The files that a row goes to, relative to the result.</summary>
    public static IEnumerable<string> Paths(BuildRecipe recipe, BuildRow row)
    {
        var split = row.Split.ToString().ToLowerInvariant();
        var stem = row.Mix.Length > 0 ? $"{row.Mix}/{split}" : split;
        yield return $"{stem}.jsonl";
        if (recipe.Mix is null) yield return $"{stem}.json";
        // Tests are evaluated by data set and template: KORANI's layout.
        else yield return row.Split == DataSplit.Test ? $"{stem}/{row.Cluster}/{row.Dataset}/test_{(row.Template.Length > 0 ? row.Template : "tmp0")}.csv" : $"{stem}.csv";
    }

    /// <summary>A new file, by the ending of its name.</summary>
    public static RowFile Of(string path, BuildRecipe recipe) => Path.GetExtension(path) switch
    {
        ".csv" => new CsvRowFile(path),
        ".json" => new ArrayRowFile(path, recipe.QuestionTranslation is null ? ("instruction", "output") : ("input", "answer")),
        _ => new LineRowFile(path, recipe.Multitask is not null),
    };

    public abstract void Write(BuildRow row);

    /// <summary>Writes what stands behind the last row.</summary>
    public virtual void End()
    {
    }

    public void Dispose() => _file.Dispose();

    protected void Write(ReadOnlySpan<byte> bytes) => _file.Write(bytes);

    protected void Write(string text) => Write(Encoding.UTF8.GetBytes(text));

    private static FileStream Open(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16);
    }
}

/// <summary>KORANI's header; UTF-8, lines that end in LF.</summary>
internal sealed class CsvRowFile : RowFile
{
    public CsvRowFile(string path)
        : base(path) => Write("input,output,choices,dataset_name,id\n");

    public override void Write(BuildRow row) => Write(CsvWriter.Line([row.Input, row.Output, string.Join("|||", row.Choices ?? []), row.Dataset, row.Id]));
}

/// <summary>A JSON array with four blanks before each object and no line end behind it, as the published question-translation files are.</summary>
internal sealed class ArrayRowFile(string path, (string Input, string Output) names) : RowFile(path)
{
    private bool _isFirst = true;

    public override void Write(BuildRow row)
    {
        Write(_isFirst ? "[\n" : ",\n");
        _isFirst = false;
        Write($"    {{\n        \"{names.Input}\": ");
        Write(CanonicalJson.OfText(row.Input));
        Write($",\n        \"{names.Output}\": ");
        Write(CanonicalJson.OfText(row.Output));
        Write("\n    }");
    }

    public override void End() => Write("\n]");
}

/// <summary>A JSON object a line.</summary>
internal sealed class LineRowFile(string path, bool isInstruction) : RowFile(path)
{
    public override void Write(BuildRow row)
    {
        var line = new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            [isInstruction ? "instruction" : "input"] = row.Input,
            ["output"] = row.Output,
            ["choices"] = string.Join("|||", row.Choices ?? []),
            ["dataset_name"] = row.Dataset,
            ["cluster"] = row.Cluster,
            ["lang"] = row.Lang,
            ["licence"] = row.Licence,
            ["template"] = row.Template,
            ["source"] = row.Source,
            ["row"] = row.Row,
            ["id"] = row.Id,
        };
        if (row.Choices is null) line.Remove("choices");
        Write(JsonSerializer.SerializeToUtf8Bytes(line, EventJson.Options));
        Write("\n"u8);
    }
}
