using XInstruct.Domain.Curation;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Curation;

/// <summary>Rows of a length group: they follow each other in the table of measured rows.</summary>
internal readonly record struct GroupRange(int Group, int First, int Count, double Shortest);

/// <summary>One combination of length groups, clusters, method and share.</summary>
internal readonly record struct CurationCell(int LengthGroups, int Clusters, SampleRule Method, double Share)
{
    /// <summary>Its name in files: L5-K100-ppl-0.01.</summary>
    public string Name => FormattableString.Invariant($"L{LengthGroups}-K{Clusters}-{MethodName}-{Share}");

    /// <summary>The published name of the method.</summary>
    public string MethodName => Method switch
    {
        SampleRule.Ppl => "ppl",
        SampleRule.PplH => "ppl_h",
        _ => "rand",
    };
}

/// <summary>A clustering: of one length group, into so many clusters.</summary>
internal readonly record struct ClusterTask(int LengthGroups, int Clusters, GroupRange Range);

/// <summary>What a recipe's grid asks for, and how rows fall into groups.</summary>
internal static class CurationGroups
{
    /// <summary>The recipe's own cell, then those of its grid without it, in the order of its lists.</summary>
    public static IReadOnlyList<CurationCell> Cells(CurationRecipe recipe)
    {
        var own = new CurationCell(recipe.LengthGroups, recipe.Clusters.Count, recipe.Sampling.Method, recipe.Sampling.Share);
        var grid =
            from groups in Or(recipe.Grid.LengthGroups, own.LengthGroups)
            from clusters in Or(recipe.Grid.Clusters, own.Clusters)
            from method in Or([.. recipe.Grid.Methods.Select(MethodOf)], own.Method)
            from share in Or(recipe.Grid.Shares, own.Share)
            select new CurationCell(groups, clusters, method, share);
        return [.. grid.Prepend(own).Distinct()];
    }

    /// <summary>A method by its key, or by its published name.</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public static SampleRule MethodOf(string name) => name switch
    {
        "ppl" => SampleRule.Ppl,
        "rand" => SampleRule.Rand,
        "pplH" or "ppl_h" => SampleRule.PplH,
        _ => throw new ArgumentException($"'{name}' is no method.", nameof(name)),
    };

    /// <summary>The groups of rows that are sorted by length; those without rows too.</summary>
    public static IReadOnlyList<GroupRange> Ranges(RowTable rows, int count)
    {
        var groups = new LengthGroups(rows.Rows.Select(row => row.Length), count);
        var sizes = new int[count];
        foreach (var row in rows.Rows) sizes[groups.Of(row.Length)]++;
        var (ranges, first) = (new List<GroupRange>(), 0);
        for (var g = 0; g < count; g++)
        {
            ranges.Add(new GroupRange(g, first, sizes[g], groups.Starts[g]));
            first += sizes[g];
        }

        return ranges;
    }

    /// <summary>The clusterings that all cells need, each once.</summary>
    public static IReadOnlyList<ClusterTask> Tasks(CurationRecipe recipe, RowTable rows) =>
    [
        .. Cells(recipe).Select(cell => (cell.LengthGroups, cell.Clusters)).Distinct().SelectMany(pair =>
            Ranges(rows, pair.LengthGroups).Where(range => range.Count > 0).Select(range => new ClusterTask(pair.LengthGroups, pair.Clusters, range))),
    ];

    /// <summary>What to say when a group has fewer rows than clusters; null when none has.</summary>
    public static string? TooSmall(CurationRecipe recipe, RowTable rows)
    {
        var small = Tasks(recipe, rows).Where(task => task.Range.Count < task.Clusters).ToList();
        if (small.Count == 0) return null;
        var named = small.Take(5).Select(t => FormattableString.Invariant(
            $"length group {t.Range.Group + 1} of {t.LengthGroups} (instructions of {t.Range.Shortest:0.##} characters and more) has {t.Range.Count} rows, fewer than the {t.Clusters} clusters it shall form"));
        var least = small.Min(task => task.Range.Count);
        return $"{string.Join("; ", named)}{(small.Count > 5 ? $"; and {small.Count - 5} more" : "")}. Set clusters.count to at most {least}, lower lengthGroups (now {string.Join(", ", small.Select(t => t.LengthGroups).Distinct())}), or give more rows: there are {rows.Count}.";
    }

    private static IReadOnlyList<T> Or<T>(IReadOnlyList<T> values, T own) => values.Count == 0 ? [own] : values;
}
