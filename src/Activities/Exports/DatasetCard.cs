using System.Globalization;
using System.Text;
using XInstruct.Activities.DataSheets;
using XInstruct.Domain.Languages;
using XInstruct.Domain.Runs;

namespace XInstruct.Activities.Exports;

/// <summary>README.md of a data set folder, as the Hugging Face hub reads it (huggingface.co/docs/hub/datasets-cards): YAML, then Markdown.</summary>
internal static class DatasetCard
{
    private static readonly (long Below, string Name)[] Sizes =
    [
        (1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"), (long.MaxValue, "10M<n<100M"),
    ];

    public static string Render(Run run, IReadOnlyList<LanguageStatistics> languages)
    {
        var codes = languages.Select(l => l.Language).ToList();
        var samples = languages.Sum(l => (long)l.Samples);
        var card = new StringBuilder();
        card.Append(CultureInfo.InvariantCulture, $"---\nlanguage: [{string.Join(", ", codes.Select(c => $"\"{c}\""))}]\npretty_name: \"{run.RecipeName}\"\n");
        card.Append(CultureInfo.InvariantCulture, $"size_categories: [\"{Sizes.First(s => samples < s.Below).Name}\"]\ntask_categories: [text-generation]\ntags: [instruction-tuning, cross-lingual, xinstruct]\nconfigs:\n");
        card.Append("- config_name: default\n  default: true\n  data_files: \"data/*.parquet\"\n");
        foreach (var code in codes) card.Append(CultureInfo.InvariantCulture, $"- config_name: \"{code}\"\n  data_files: \"data/{code}.parquet\"\n");
        card.Append(CultureInfo.InvariantCulture, $"""
            ---

            # {run.RecipeName}

            {samples:N0} pairs for instruction tuning in {string.Join(", ", codes.Select(c => Language.Parse(c).EnglishName))}: an English instruction, written by a model, and the text of a corpus
            in the target language that it was written for. Made with XInstruct; `datasheet.md` and `datasheet.html` say how, from what, what was rejected, and how to verify it.
            The licence is that of the texts: say it here before you publish.

            ```python
            from datasets import load_dataset
            all_languages = load_dataset("path/to/this/folder", split="train")
            one = load_dataset("path/to/this/folder", "{codes[0]}", split="train")
            ```

            | language | samples | instruction length | output length |
            |---|---:|---:|---:|

            """);
        foreach (var l in languages)
        {
            card.Append(CultureInfo.InvariantCulture, $"| {l.Language} | {l.Samples:N0} | {l.Instruction.Mean:N1} ± {l.Instruction.StandardDeviation:N1} | {l.Output.Mean:N1} ± {l.Output.StandardDeviation:N1} |\n");
        }

        card.Append(CultureInfo.InvariantCulture, $"""

            Lengths in code points, mean ± standard deviation.

            | column | what it is |
            |---|---|
            | `instruction` | the instruction, in English |
            | `output` | the text that answers it |
            | `lang` | its language |
            | `id` | sample id: the same text has the same id in every run |
            | `score` | the evaluator's probability that the pair is of the best of three levels |
            | `cluster` | cluster of the instruction within its language |
            | `iteration` | iteration of the refine loop that wrote the instruction |
            | `version` | revision of the sample that was released |
            | `source`, `row` | the corpus file and the row in it |

            `sealed/` holds the release as it was sealed; `data/` has the same rows as Parquet. release.sha256 is the SHA-256 of `sealed/manifest.json`:
            `{run.Release!.Sha256}`.

            """);
        return card.ToString();
    }
}
