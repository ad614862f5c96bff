namespace XInstruct.Tests;

/// <summary>A test of every golden folder of an area; skipped where there is none, as in a folder that <c>XINSTRUCT_GOLDEN</c> names.</summary>
public sealed class GoldenTheoryAttribute : TheoryAttribute
{
    public GoldenTheoryAttribute(string area, string start = "")
    {
        if (Golden.Named(area, start).Count == 0) Skip = $"No folder {area}/{start}* of golden vectors is there.";
    }
}

/// <summary>A test of one golden file; skipped where it is not.</summary>
public sealed class GoldenFactAttribute : FactAttribute
{
    public GoldenFactAttribute(string file)
    {
        if (Golden.Find(file) is null) Skip = $"No file {file} of golden vectors is there.";
    }
}
