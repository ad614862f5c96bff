using Temporalio.Common;

namespace Temporalio.Workflows;

/// <summary>Sets or removes one search attribute.</summary>
public abstract class SearchAttributeUpdate
{
    internal SearchAttributeUpdate()
    {
    }

    public bool HasValue { get; internal init; }

    public abstract SearchAttributeKey UntypedKey { get; }

    public abstract object UntypedValue { get; }

    public static SearchAttributeUpdate<T> ValueSet<T>(SearchAttributeKey<T> key, T value)
        where T : notnull => new(key, value);

    public static SearchAttributeUpdate<T> ValueUnset<T>(SearchAttributeKey<T> key)
        where T : notnull => new(key);
}

/// <summary>The same, typed.</summary>
public class SearchAttributeUpdate<T> : SearchAttributeUpdate
    where T : notnull
{
    private readonly T? value;

    internal SearchAttributeUpdate(SearchAttributeKey<T> key) => Key = key;

    internal SearchAttributeUpdate(SearchAttributeKey<T> key, T value) => (Key, this.value, HasValue) = (key, value, true);

    public SearchAttributeKey<T> Key { get; private init; }

    public T Value => HasValue ? value! : throw new InvalidOperationException("No value");

    public override SearchAttributeKey UntypedKey => Key;

    public override object UntypedValue => Value;
}
