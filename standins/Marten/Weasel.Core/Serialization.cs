namespace Weasel.Core;

/// <summary>How enums are stored in JSON.</summary>
public enum EnumStorage
{
    AsInteger,
    AsString,
}

/// <summary>How member names are stored in JSON.</summary>
public enum Casing
{
    Default,
    CamelCase,
    SnakeCase,
}
