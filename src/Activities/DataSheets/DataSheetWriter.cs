using System.Text;
using XInstruct.Activities.Pages;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Runs;

namespace XInstruct.Activities.DataSheets;

/// <summary>Writes datasheet.md and datasheet.html.</summary>
public sealed class DataSheetWriter(DataSheetReader reader)
{
    /// <summary>Names of the files.</summary>
    public static IReadOnlyList<string> Names { get; } = ["datasheet.md", "datasheet.html"];

    /// <summary>True when the chart library was there at the build; without it the page has tables only.</summary>
    public static bool HasCharts => HtmlPage.HasCharts;

    /// <summary>Writes both into a folder; what was there under these names is replaced.</summary>
    /// <param name="run">The run; its release is sealed.</param>
    /// <param name="recipe">The user's recipe file, for its truth; null to go without.</param>
    /// <param name="folder">Where.</param>
    /// <exception cref="TamperedException">The release is not what was sealed.</exception>
    public async Task<IReadOnlyList<string>> WriteAsync(Run run, LoadedRecipe? recipe, string folder, CancellationToken ct)
    {
        var sheet = await reader.ReadAsync(run, recipe, ct);
        Directory.CreateDirectory(folder);
        var paths = Names.Select(n => Path.Combine(folder, n)).ToList();
        foreach (var (path, text) in paths.Zip([MarkdownPage.Render(SheetSections.Of(sheet)), HtmlPage.Render(SheetSections.Of(sheet))]))
        {
            await FileStore.ReplaceAsync(path, stream => stream.WriteAsync(Encoding.UTF8.GetBytes(text), ct).AsTask());
        }

        return paths;
    }
}
