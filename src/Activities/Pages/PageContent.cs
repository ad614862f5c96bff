namespace XInstruct.Activities.Pages;

/// <summary>What a report says, in Markdown and as one HTML page.</summary>
/// <param name="Kind">What kind of report it is, in a word or two.</param>
/// <param name="Title">Its head.</param>
/// <param name="Facts">What it is of: names, and values that are set as code.</param>
/// <param name="Figures">The figures at the top, six or a few more.</param>
/// <param name="Sections">The rest.</param>
internal sealed record PageContent(
    string Kind, string Title, IReadOnlyList<(string Name, string Value)> Facts, IReadOnlyList<(string Name, string Value)> Figures, IReadOnlyList<PageSection> Sections)
{
    /// <summary>The answer in a sentence, under the head; null for none.</summary>
    public string? Lead { get; init; }

    /// <summary>Rules for the sections' own pictures.</summary>
    public string Style { get; init; } = "";

    /// <summary>What the page's script draws, as JSON; null for nothing.</summary>
    public object? Data { get; init; }

    /// <summary>File name of the script in a folder named Page: it gives its pictures to page.start of page.js.</summary>
    public string? Script { get; init; }
}
