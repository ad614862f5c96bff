using System.Linq.Expressions;
using System.Reflection;
using NpgsqlTypes;

namespace Marten.Storage;

/// <summary>Table and id of a document type.</summary>
internal sealed class DocumentMapping(Type type, StoreOptions options)
{
    private static readonly Dictionary<Type, (string Sql, NpgsqlDbType Db)> IdTypes = new()
    {
        [typeof(Guid)] = ("uuid", NpgsqlDbType.Uuid),
        [typeof(string)] = ("varchar", NpgsqlDbType.Varchar),
        [typeof(int)] = ("integer", NpgsqlDbType.Integer),
        [typeof(long)] = ("bigint", NpgsqlDbType.Bigint),
    };

    private readonly List<(IReadOnlyList<MemberInfo[]> Members, bool Unique, string? Name)> _indexes = [];
    private MemberInfo? _id;
    private Func<object, object?>? _read;

    public Type Type { get; } = type;

    public string Alias { get; set; } = (type.IsNested ? type.DeclaringType!.Name.ToLowerInvariant() + "_" : "")
        + (type.IsGenericType ? throw new NotSupportedException($"Document type {type} is generic.") : type.Name.ToLowerInvariant());

    public string TableName => "mt_doc_" + Alias;

    public string Table => $"{options.DatabaseSchemaName}.{TableName}";

    /// <summary>Documents that projections write keep a number as their version, all others a random one.</summary>
    public bool IsProjected => options.Projections.Aggregating(Type) is not null;

    public MemberInfo IdMember => _id ??= (MemberInfo?)Type.GetProperty("Id") ?? (MemberInfo?)Type.GetProperty("id") ?? Type.GetField("Id")
        ?? throw new Exceptions.InvalidDocumentException($"Document type {Type} has no member named Id; name another with Schema.For<{Type.Name}>().Identity.");

    public Type IdType => IdMember is PropertyInfo property ? property.PropertyType : ((FieldInfo)IdMember).FieldType;

    public string IdSql => Known(IdType).Sql;

    public NpgsqlDbType IdDbType => Known(IdType).Db;

    public static NpgsqlDbType DbTypeOf(Type id) => Known(id).Db;

    public void IdentifyBy(MemberInfo member) => _id = member;

    public void AddIndex(IReadOnlyList<MemberInfo[]> members, bool unique, string? name) => _indexes.Add((members, unique, name));

    public object IdOf(object document)
    {
        _read ??= Reader();
        return _read(document) ?? throw new InvalidOperationException($"A {Type} without an id cannot be stored.");
    }

    /// <summary>Id of a document about to be stored; a missing Guid is assigned.</summary>
    public object AssignId(object document)
    {
        var id = IdOf(document);
        switch (id)
        {
            case Guid guid when guid == Guid.Empty:
                SetId(document, id = Guid.CreateVersion7());
                break;
            case int and 0 or long and 0L:
                throw new NotSupportedException($"Ids of {Type} are numbers and are not assigned here; set one.");
            case "":
                throw new InvalidOperationException($"A {Type} without an id cannot be stored.");
        }

        return id;
    }

    public void SetId(object document, object id)
    {
        if (Equals(IdOf(document), id)) return;
        if (IdMember is PropertyInfo { CanWrite: true } property) property.SetValue(document, id);
        else if (IdMember is FieldInfo { IsInitOnly: false } field) field.SetValue(document, id);
    }

    public IEnumerable<string> IndexSql(Services.DocumentJson json)
    {
        foreach (var (members, unique, name) in _indexes)
        {
            var columns = members.Select(m => $"({Linq.Locators.Of(m, this, json).Typed})");
            var named = name is not null ? (name.StartsWith("mt_", StringComparison.Ordinal) ? name : "mt_" + name)
                : $"{TableName}_{(unique ? "uidx" : "idx")}_{string.Concat(members.Select(path => string.Join('_', path.Select(m => Naming.Snake(m.Name)))))}";
            yield return $"create {(unique ? "unique " : "")}index if not exists {named} on {Table} using btree ({string.Join(", ", columns)});";
        }
    }

    private static (string Sql, NpgsqlDbType Db) Known(Type id) =>
        IdTypes.TryGetValue(id, out var known) ? known : throw new NotSupportedException($"Ids of type {id} are not built here.");

    private Func<object, object?> Reader()
    {
        var document = Expression.Parameter(typeof(object));
        var id = Expression.MakeMemberAccess(Expression.Convert(document, Type), IdMember);
        return Expression.Lambda<Func<object, object?>>(Expression.Convert(id, typeof(object)), document).Compile();
    }
}
