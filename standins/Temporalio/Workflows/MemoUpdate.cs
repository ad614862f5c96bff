namespace Temporalio.Workflows;

/// <summary>Sets or removes one memo value.</summary>
public class MemoUpdate
{
    private readonly object? value;

    internal MemoUpdate(string key) => UntypedKey = key;

    internal MemoUpdate(string key, object value) => (UntypedKey, this.value, HasValue) = (key, value, true);

    public bool HasValue { get; private init; }

    public string UntypedKey { get; private init; }

    public object UntypedValue => HasValue ? value! : throw new InvalidOperationException("No value");

    public static MemoUpdate ValueSet(string key, object value) =>
        new(key, value ?? throw new ArgumentException("Value cannot be null", nameof(value)));

    public static MemoUpdate ValueUnset(string key) => new(key);
}
