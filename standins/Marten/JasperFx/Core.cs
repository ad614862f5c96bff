namespace JasperFx;

/// <summary>What may be done to the schema.</summary>
public enum AutoCreate
{
    All,
    CreateOrUpdate,
    CreateOnly,
    None,
}

/// <summary>Somebody else wrote first.</summary>
public class ConcurrencyException : Exception
{
    public ConcurrencyException(Type docType, object id)
        : base(ToMessage(docType, id))
    {
        DocType = docType.FullName!;
        Id = id;
    }

    public ConcurrencyException(string message, Type? docType, object id)
        : base(message)
    {
        DocType = docType?.FullName!;
        Id = id;
    }

#nullable disable
    public ConcurrencyException(string message)
        : base(message)
    {
    }

    public ConcurrencyException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public string DocType { get; set; }

    public object Id { get; set; }
#nullable restore

    public static string ToMessage(Type docType, object id) => $"{docType.FullName} {id} was changed by somebody else.";
}

/// <summary>A document was inserted whose id is taken.</summary>
public class DocumentAlreadyExistsException : Exception
{
    public DocumentAlreadyExistsException(Type documentType, object id)
        : this(null, documentType, id)
    {
    }

    public DocumentAlreadyExistsException(Exception? inner, Type documentType, object id)
        : base($"A {documentType.FullName} with the id {id} exists already.", inner)
    {
        DocumentType = documentType;
        Id = id;
    }

    public Type DocumentType { get; }

    public object Id { get; }
}
