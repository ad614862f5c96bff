using System.Linq.Expressions;
using System.Reflection;
using Marten.Services;
using Marten.Storage;

namespace Marten.Linq;

/// <summary>Where a member's value is stored.</summary>
/// <param name="Raw">SQL of the value as text or as the column is.</param>
/// <param name="Typed">SQL of the value in the SQL type that fits the member.</param>
/// <param name="Type">CLR type of the member without Nullable.</param>
internal sealed record Locator(string Raw, string Typed, Type Type);

/// <summary>Finds members in stored JSON.</summary>
internal static class Locators
{
    /// <summary>The members from the parameter down to an expression; null when it is something else.</summary>
    public static MemberInfo[]? PathOf(Expression expression)
    {
        var path = new Stack<MemberInfo>();
        for (var e = expression; ;)
        {
            switch (e)
            {
                case UnaryExpression { NodeType: ExpressionType.Convert or ExpressionType.ConvertChecked } convert:
                    e = convert.Operand;
                    break;
                case MemberExpression { Expression: { } inner } nullable when nullable.Member.Name == "Value" && Nullable.GetUnderlyingType(inner.Type) is not null:
                    e = inner;
                    break;
                case MemberExpression { Expression: { } inner } member:
                    path.Push(member.Member);
                    e = inner;
                    break;
                case ParameterExpression:
                    return path.Count == 0 ? null : [.. path];
                default:
                    return null;
            }
        }
    }

    public static Locator Of(MemberInfo[] path, DocumentMapping? mapping, DocumentJson json)
    {
        var type = TypeOf(path[^1]);
        if (mapping is not null && path.Length == 1 && path[0].Name == mapping.IdMember.Name) return new Locator("id", "id", type);
        var names = path.Select(json.NameOf).Select(n => $"'{n.Replace("'", "''", StringComparison.Ordinal)}'").ToList();
        var raw = "data" + string.Concat(names.Take(names.Count - 1).Select(n => $" -> {n}")) + $" ->> {names[^1]}";
        return new Locator($"({raw})", SqlTypeOf(type, json) is { } sql ? $"({raw})::{sql}" : raw, type);
    }

    public static Type TypeOf(MemberInfo member)
    {
        var type = member is PropertyInfo property ? property.PropertyType : ((FieldInfo)member).FieldType;
        return Nullable.GetUnderlyingType(type) ?? type;
    }

    /// <summary>Parameter value for a comparison with a member of a type.</summary>
    public static object ValueFor(object value, Type member, DocumentJson json)
    {
        if (member.IsEnum) return json.ValueOf(value.GetType().IsEnum ? value : Enum.ToObject(member, value));
        return value switch
        {
            DateTimeOffset time => time.ToUniversalTime(),
            DateTime time => time,
            byte or sbyte or short or ushort => Convert.ToInt32(value, System.Globalization.CultureInfo.InvariantCulture),
            uint or ulong => Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture),
            char c => c.ToString(),
            _ => value,
        };
    }

    private static string? SqlTypeOf(Type type, DocumentJson json)
    {
        if (type.IsEnum) return json.Enums == Weasel.Core.EnumStorage.AsInteger ? "integer" : null;
        return Type.GetTypeCode(type) switch
        {
            TypeCode.String or TypeCode.Char => null,
            TypeCode.Boolean => "boolean",
            TypeCode.Byte or TypeCode.SByte or TypeCode.Int16 or TypeCode.UInt16 or TypeCode.Int32 => "integer",
            TypeCode.UInt32 or TypeCode.Int64 or TypeCode.UInt64 => "bigint",
            TypeCode.Decimal => "numeric",
            TypeCode.Single or TypeCode.Double => "double precision",
            TypeCode.DateTime => "timestamp",
            _ when type == typeof(Guid) => "uuid",
            _ when type == typeof(DateTimeOffset) => "timestamptz",
            _ when type == typeof(DateOnly) => "date",
            _ => null,
        };
    }
}
