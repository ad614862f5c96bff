namespace XInstruct.Activities.Recipes;

/// <summary>A value of a recipe's YAML with its place.</summary>
internal abstract record RecipeNode(Place Place);

/// <summary>A scalar. Plain ones may be numbers, booleans and null; quoted ones are text.</summary>
internal sealed record ScalarNode(Place Place, string Value, bool IsPlain) : RecipeNode(Place)
{
    /// <summary>YAML's null.</summary>
    public bool IsNull => IsPlain && Value is "" or "~" or "null" or "Null" or "NULL";
}

/// <summary>A sequence.</summary>
internal sealed record ListNode(Place Place, IReadOnlyList<RecipeNode> Items) : RecipeNode(Place);

/// <summary>A mapping, in the order it was written.</summary>
internal sealed record MapNode(Place Place, List<MapEntry> Entries) : RecipeNode(Place)
{
    /// <summary>Entry of a key.</summary>
    public MapEntry? Find(string key) => Entries.Find(e => e.Key == key);
}

/// <summary>A key, where it stands, and its value.</summary>
internal sealed record MapEntry(string Key, Place Place, RecipeNode Value);
