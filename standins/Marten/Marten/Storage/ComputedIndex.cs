namespace Marten.Schema;

/// <summary>An index over members of a document.</summary>
public class ComputedIndex
{
    internal ComputedIndex()
    {
    }

    /// <summary>Null: made of the table's and the members' names.</summary>
    public string? Name { get; set; }

    public bool IsUnique { get; set; }
}
