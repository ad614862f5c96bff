using System.Collections;
using System.Text.Json;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.History.V1;
using Temporalio.Workflows;

namespace Temporalio.Common;

/// <summary>Search attributes by key; a name occurs once.</summary>
public class SearchAttributeCollection : IReadOnlyCollection<SearchAttributeKey>
{
    public static readonly SearchAttributeCollection Empty = new();

    private readonly SortedDictionary<SearchAttributeKey, object> values;

    internal SearchAttributeCollection()
        : this(new SortedDictionary<SearchAttributeKey, object>())
    {
    }

    private SearchAttributeCollection(SortedDictionary<SearchAttributeKey, object> values) => this.values = values;

    public int Count => values.Count;

    public IReadOnlyDictionary<SearchAttributeKey, object> UntypedValues => values;

    public T Get<T>(SearchAttributeKey<T> key)
        where T : notnull => values.TryGetValue(key, out var value)
            ? (T)value
            : throw new KeyNotFoundException($"{key.Name} not found or was present with different type");

    public bool TryGetValue<T>(SearchAttributeKey<T> key, out T value)
        where T : notnull
    {
        if (values.TryGetValue(key, out var found) && found is T typed)
        {
            value = typed;
            return true;
        }
        value = default!;
        return false;
    }

    public bool ContainsKey<T>(SearchAttributeKey<T> key)
        where T : notnull => values.ContainsKey(key);

    public bool ContainsKey(string key) => values.Keys.Any(k => k.Name == key);

    public IEnumerator<SearchAttributeKey> GetEnumerator() => values.Keys.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal static SearchAttributeCollection FromStored(IReadOnlyDictionary<string, StoredAttribute>? stored)
    {
        var values = new SortedDictionary<SearchAttributeKey, object>();
        foreach (var (name, attribute) in stored ?? new Dictionary<string, StoredAttribute>())
        {
            if (attribute.Value is { ValueKind: not JsonValueKind.Null } json)
            {
                values[new SearchAttributeKey(name, attribute.Type)] = FromJson(attribute.Type, json);
            }
        }
        return new(values);
    }

    internal static StoredAttribute Store(SearchAttributeKey key, object? value) =>
        new(key.ValueType, value == null ? null : JsonSerializer.SerializeToElement(value, value.GetType()));

    internal Dictionary<string, StoredAttribute>? ToStored() =>
        Count == 0 ? null : values.ToDictionary(p => p.Key.Name, p => Store(p.Key, p.Value));

    internal SearchAttributeCollection With(IReadOnlyCollection<SearchAttributeUpdate> updates)
    {
        if (updates.GroupBy(u => u.UntypedKey.Name).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new ArgumentException($"Multiple updates seen for key {twice.Key}");
        }
        var builder = new Builder(this);
        foreach (var update in updates)
        {
            builder.Unset(update.UntypedKey.Name);
            if (update.HasValue)
            {
                builder.SetUntyped(update.UntypedKey, update.UntypedValue);
            }
        }
        return builder.ToSearchAttributeCollection();
    }

    private static object FromJson(IndexedValueType type, JsonElement json) => type switch
    {
        IndexedValueType.Bool => json.GetBoolean(),
        IndexedValueType.Int => json.GetInt64(),
        IndexedValueType.Double => json.GetDouble(),
        IndexedValueType.Datetime => json.GetDateTimeOffset(),
        IndexedValueType.KeywordList => json.EnumerateArray().Select(e => e.GetString()!).ToList(),
        _ => json.GetString()!,
    };

    /// <summary>Builds a collection.</summary>
    public class Builder
    {
        private readonly SortedDictionary<SearchAttributeKey, object> values = [];

        public Builder()
        {
        }

        public Builder(SearchAttributeCollection searchAttributes) => Set(searchAttributes);

        public Builder Set<T>(SearchAttributeKey<T> key, T value)
            where T : notnull => SetUntyped(key, value);

        public Builder Set(SearchAttributeCollection searchAttributes)
        {
            foreach (var (key, value) in searchAttributes.UntypedValues)
            {
                SetUntyped(key, value);
            }
            return this;
        }

        public Builder Unset(SearchAttributeKey key) => Unset(key.Name);

        public Builder Unset(string name)
        {
            if (values.Keys.FirstOrDefault(k => k.Name == name) is { } existing)
            {
                values.Remove(existing);
            }
            return this;
        }

        public SearchAttributeCollection ToSearchAttributeCollection() => new(new SortedDictionary<SearchAttributeKey, object>(values));

        internal Builder SetUntyped(SearchAttributeKey key, object value)
        {
            Unset(key.Name);
            values[key] = value switch
            {
                null => throw new ArgumentException("Null value", nameof(value)),
                string text => text,
                IReadOnlyCollection<string> list when key.ValueType == IndexedValueType.KeywordList => list.ToList(),
                _ => value,
            };
            return this;
        }
    }
}
