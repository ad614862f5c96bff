using System.Linq.Expressions;
using System.Reflection;
using Marten.Schema;
using Marten.Storage;

namespace Marten;

/// <summary>How documents are stored.</summary>
public class MartenRegistry
{
    private readonly StoreOptions _options;
    private readonly Dictionary<Type, DocumentMapping> _mappings = [];

    internal MartenRegistry(StoreOptions options) => _options = options;

    internal IReadOnlyList<DocumentMapping> All
    {
        get
        {
            lock (_mappings) return [.. _mappings.Values];
        }
    }

    public DocumentMappingExpression<T> For<T>()
        where T : notnull => new(MappingOf(typeof(T)));

    internal DocumentMapping MappingOf(Type type)
    {
        lock (_mappings)
        {
            if (!_mappings.TryGetValue(type, out var mapping)) _mappings[type] = mapping = new DocumentMapping(type, _options);
            return mapping;
        }
    }

    /// <summary>Settings of one document type.</summary>
    public class DocumentMappingExpression<T>
        where T : notnull
    {
        private readonly DocumentMapping _mapping;

        internal DocumentMappingExpression(DocumentMapping mapping) => _mapping = mapping;

        public DocumentMappingExpression<T> DocumentAlias(string alias)
        {
            _mapping.Alias = alias;
            return this;
        }

        public DocumentMappingExpression<T> Identity(Expression<Func<T, object>> member)
        {
            _mapping.IdentifyBy(Path(member.Body)[^1]);
            return this;
        }

        public DocumentMappingExpression<T> Index(Expression<Func<T, object?>> expression, Action<ComputedIndex>? configure = null) =>
            Add(configure, expression.Body);

        public DocumentMappingExpression<T> Index(
            IReadOnlyCollection<Expression<Func<T, object>>> expressions, Action<ComputedIndex>? configure = null) =>
            Add(configure, [.. expressions.Select(e => e.Body)]);

        public DocumentMappingExpression<T> UniqueIndex(params Expression<Func<T, object>>[] expressions) =>
            Add(unique: true, null, [.. expressions.Select(e => e.Body)]);

        public DocumentMappingExpression<T> UniqueIndex(string indexName, params Expression<Func<T, object>>[] expressions) =>
            Add(unique: true, indexName, [.. expressions.Select(e => e.Body)]);

        private static MemberInfo[] Path(Expression body) => Linq.Locators.PathOf(body) ?? throw new ArgumentException($"'{body}' is not a member of {typeof(T)}.");

        private DocumentMappingExpression<T> Add(Action<ComputedIndex>? configure, params Expression[] bodies)
        {
            var index = new ComputedIndex();
            configure?.Invoke(index);
            return Add(index.IsUnique, index.Name, bodies);
        }

        private DocumentMappingExpression<T> Add(bool unique, string? name, params Expression[] bodies)
        {
            _mapping.AddIndex([.. bodies.Select(Path)], unique, name);
            return this;
        }
    }
}
