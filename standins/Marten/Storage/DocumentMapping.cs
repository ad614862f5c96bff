using System.Reflection;

namespace Marten.Storage;

/// <summary>Table and id of a document type.</summary>
internal sealed class DocumentMapping
{
    private readonly PropertyInfo _id;

    public DocumentMapping(Type type)
    {
        Type = type;
        _id = type.GetProperty("Id") ?? throw new InvalidOperationException($"Document type {type} has no Id property.");
        if (_id.PropertyType != typeof(Guid)) throw new NotSupportedException($"Document type {type}: only Guid ids are built here.");
    }

    public Type Type { get; }

    public string Table => "mt_doc_" + Type.Name.ToLowerInvariant();

    public List<string> Indexes { get; } = [];

    /// <summary>Aggregates of streams keep the stream's version as a number; plain documents a random version.</summary>
    public bool HasNumericRevision { get; set; }

    public Guid IdOf(object document) => (Guid)_id.GetValue(document)!;
}
