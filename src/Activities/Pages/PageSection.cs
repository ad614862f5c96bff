namespace XInstruct.Activities.Pages;

/// <summary>A part of a page, the same in Markdown and HTML; pictures are in the HTML only, and the tables beside them carry their numbers.</summary>
/// <param name="Id">Anchor.</param>
/// <param name="Note">What to know when reading it.</param>
internal sealed record PageSection(string Id, string Title, string? Note)
{
    public IReadOnlyList<PageTable> Tables { get; init; } = [];

    /// <summary>Pictures by the name under which the page's script draws them, and what a listener hears instead.</summary>
    public IReadOnlyList<(string Name, string Label)> Charts { get; init; } = [];

    /// <summary>Pictures that are drawn already, as SVG with our own classes, and what a listener hears instead.</summary>
    public IReadOnlyList<(string Label, string Svg)> Pictures { get; init; } = [];

    /// <summary>Commands and prompts, verbatim but for control characters.</summary>
    public IReadOnlyList<(string Caption, string Text)> Listings { get; init; } = [];
}

/// <summary>A table of texts.</summary>
/// <param name="Columns">Heads; those that begin with # stand over numbers.</param>
internal sealed record PageTable(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows)
{
    /// <summary>Whether a page folds it when it has many rows.</summary>
    public bool IsLong { get; init; }

    public static bool IsNumber(string column) => column.StartsWith('#');

    public static string Head(string column) => column.TrimStart('#');

    /// <summary>A cell that is a hash is set as code.</summary>
    public static bool IsHash(string cell) => cell.Length == 64 && cell.All(char.IsAsciiHexDigitLower);
}
