namespace XInstruct.Domain.Metrics;

/// <summary>
/// The cheapest way (Levenshtein 1966) from an output to a reference, looked for near the diagonal. Of equally cheap steps a kept or replaced word comes before a
/// deleted one, and that before an inserted one.
/// </summary>
internal sealed class EditPath
{
    private const int Unknown = int.MaxValue / 2;

    public EditPath(string[] output, string[] reference, int beam)
    {
        var (rows, columns) = (output.Length + 1, reference.Length + 1);
        var costs = new int[rows, columns];
        var steps = new Step[rows, columns];
        for (var j = 0; j < columns; j++) (costs[0, j], steps[0, j]) = (j, Step.Insert);
        var ratio = output.Length > 0 ? reference.Length / (double)output.Length : 1;
        if (beam < ratio / 2) beam = (int)Math.Ceiling((ratio / 2) + beam);
        for (var i = 1; i < rows; i++)
        {
            for (var j = 0; j < columns; j++) costs[i, j] = Unknown;
            var diagonal = (int)Math.Floor(i * ratio);
            var last = i == rows - 1 ? columns : Math.Min(columns, diagonal + beam);
            for (var j = Math.Max(0, diagonal - beam); j < last; j++)
            {
                if (j > 0)
                {
                    var isSame = output[i - 1] == reference[j - 1];
                    Try(i, j, costs[i - 1, j - 1] + (isSame ? 0 : 1), isSame ? Step.Keep : Step.Replace);
                }

                Try(i, j, costs[i - 1, j] + 1, Step.Delete);
                if (j > 0) Try(i, j, costs[i, j - 1] + 1, Step.Insert);
            }
        }

        Cost = costs[rows - 1, columns - 1];
        (OutputErrors, ReferenceErrors, Alignment) = (new bool[output.Length], new bool[reference.Length], new int[reference.Length]);
        for (var (i, j) = (rows - 1, columns - 1); i > 0 || j > 0;)
        {
            var step = steps[i, j];
            // An inserted word stands after the output's word before it.
            if (step != Step.Delete) (Alignment[j - 1], ReferenceErrors[j - 1]) = (i - 1, step != Step.Keep);
            if (step != Step.Insert) OutputErrors[i - 1] = step != Step.Keep;
            if (step != Step.Delete) j--;
            if (step != Step.Insert) i--;
        }

        void Try(int i, int j, int cost, Step step)
        {
            if (cost < costs[i, j]) (costs[i, j], steps[i, j]) = (cost, step);
        }
    }

    private enum Step
    {
        Keep,
        Replace,
        Delete,
        Insert,
    }

    /// <summary>Words inserted, deleted and replaced.</summary>
    public int Cost { get; }

    /// <summary>Which words of the output are deleted or replaced.</summary>
    public bool[] OutputErrors { get; }

    /// <summary>Which words of the reference are inserted or replace others.</summary>
    public bool[] ReferenceErrors { get; }

    /// <summary>Of each word of the reference: the output's word that it stands for, or that it comes after; −1 for the start.</summary>
    public int[] Alignment { get; }
}
