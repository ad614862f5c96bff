using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace XInstruct.Domain.Recipes;

/// <summary>A table of rows: JSONL, a JSON array or CSV, plain or gzip, or Parquet; told by its bytes.</summary>
public abstract class TableOptions
{
    [Required]
    [Description("File; {lang} stands for each language's code. Relative to the recipe, in --set to the current folder.")]
    public string Path { get; set; } = "";
}

/// <summary>Natural texts in the target languages.</summary>
public sealed class CorpusOptions : TableOptions
{
    [Description("Column of the text.")]
    public string Text { get; set; } = "text";

    [Description("Column of the row's own id; without it the row number is its id.")]
    public string? Id { get; set; }

    [Range(0, 100_000_000)]
    [Description("Shortest accepted text in code points.")]
    public int MinChars { get; set; } = 600;

    [Range(1, 100_000_000)]
    [Description("Longest accepted text in code points.")]
    public int MaxChars { get; set; } = 3000;

    [Range(0.0, 1.0)]
    [Description("Estimated Jaccard similarity from which two texts are near-duplicates.")]
    public double NearDuplicate { get; set; } = 0.8;

    [Range(0, int.MaxValue)]
    [Description("Malformed rows in a language at which the run stops.")]
    public int MaxBadRows { get; set; } = 1000;

    [Range(1024, 1_000_000_000)]
    [Description("Bytes of the longest row that is read; a longer one is rejected with its number.")]
    public int MaxRowBytes { get; set; } = 1_000_000;

    [Description("Texts are stored encrypted under their source's key, so that the source can be withdrawn.")]
    public bool Withdrawable { get; set; }
}

/// <summary>Known good pairs: either instruction and output columns, or labelled rows and a template.</summary>
public sealed class SeedOptions : TableOptions
{
    [Description("Column of the English instruction, or a place in it such as messages[role=user].content.")]
    public string Instruction { get; set; } = "instruction";

    [Description("Column that stands below the instruction where it is not empty, as Alpaca's input.")]
    public string? Input { get; set; }

    [Description("Column of the response in the target language. With a template it defaults to corpus.text.")]
    public string Output { get; set; } = "output";

    [Description("Builds the instruction from a labelled row; seeds.path then defaults to corpus.path. E.g. \"Write a {label} product review in {language}.\"")]
    public string? Template { get; set; }

    [Description("Column of the label that fills {label}.")]
    public string Label { get; set; } = "label";

    [Description("Labels come from this index-parallel file in a known language instead of the row itself.")]
    public string? AlignWith { get; set; }

    [Range(1, 1_000_000)]
    [Description("Rows drawn as seeds, at the same indices in every language. Without it every row is a seed. When the corpus is the same file, its other rows are the corpus.")]
    public int? Take { get; set; }

    [Range(0.0, 0.5)]
    [Description("Share of each language's seeds held out before iteration 0, for the evaluation.")]
    public double HeldOut { get; set; } = 0.1;
}

/// <summary>What the rows of a corpus really are, for the report only.</summary>
public sealed class TruthOptions : TableOptions
{
    [Description("Column that equals the corpus row's id; without it rows are joined by row number.")]
    public string? Id { get; set; }

    [Description("Columns an instruction must agree with to be right.")]
    public IReadOnlyList<string> Fields { get; set; } = [];

    [Description("Column that says how a row was spoilt on purpose, if any.")]
    public string? Spoilt { get; set; }

    [Description("JSON: field -> value -> words by which an English instruction shows it. Without it the value itself is looked for.")]
    public string? Lexicon { get; set; }

    [Description("Truth comes from this index-parallel file in a known language instead. When truth.path is left out it is corpus.path, and this is seeds.alignWith.")]
    public string? AlignWith { get; set; }
}
