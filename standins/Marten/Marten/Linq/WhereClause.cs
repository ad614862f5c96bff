using System.Collections;
using System.Linq.Expressions;
using System.Reflection;
using Marten.Events.Archiving;
using Marten.Services;
using Npgsql;

namespace Marten.Linq;

/// <summary>Turns predicates over members into SQL.</summary>
internal sealed class WhereClause(QuerySource source, DocumentJson json, IList<NpgsqlParameter> parameters)
{
    public string Translate(Expression expression) => expression switch
    {
        LambdaExpression lambda => Translate(lambda.Body),
        UnaryExpression { NodeType: ExpressionType.Quote } quote => Translate(quote.Operand),
        UnaryExpression { NodeType: ExpressionType.Not } not => $"(not coalesce({Translate(not.Operand)}, false))",
        BinaryExpression { NodeType: ExpressionType.AndAlso } and => $"({Translate(and.Left)} and {Translate(and.Right)})",
        BinaryExpression { NodeType: ExpressionType.OrElse } or => $"({Translate(or.Left)} or {Translate(or.Right)})",
        BinaryExpression comparison => Compare(comparison),
        MemberExpression { Member.Name: "HasValue", Expression: { } inner } when Locators.PathOf(inner) is { } path => $"({source.Locate(path).Raw} is not null)",
        MemberExpression member when member.Type == typeof(bool) && Locators.PathOf(member) is { } path => $"({source.Locate(path).Typed} = true)",
        MethodCallExpression call => Call(call),
        _ when expression.Type == typeof(bool) && Locators.PathOf(expression) is null && !Mentions(expression) => (bool)ValueOf(expression)! ? "true" : "false",
        _ => throw new NotSupportedException($"'{expression}' is not a predicate that is built here."),
    };

    public string Parameter(object value)
    {
        parameters.Add(new NpgsqlParameter { Value = value });
        return $"${parameters.Count}";
    }

    public static object? ValueOf(Expression e) => e switch
    {
        ConstantExpression constant => constant.Value,
        UnaryExpression { NodeType: ExpressionType.Convert, Method: null } convert when !convert.Type.IsEnum && !convert.Operand.Type.IsValueType => ValueOf(convert.Operand),
        MemberExpression { Member: FieldInfo field } member => field.GetValue(member.Expression is null ? null : ValueOf(member.Expression)),
        MemberExpression { Member: PropertyInfo property } member => property.GetValue(member.Expression is null ? null : ValueOf(member.Expression)),
        _ => Expression.Lambda(e).Compile().DynamicInvoke(),
    };

    private static bool Mentions(Expression e)
    {
        var finder = new ParameterFinder();
        finder.Visit(e);
        return finder.Found;
    }

    private string Compare(BinaryExpression e)
    {
        var (path, value, reversed) = Locators.PathOf(e.Left) is { } left ? (left, e.Right, false)
            : Locators.PathOf(e.Right) is { } right ? (right, e.Left, true)
            : throw new NotSupportedException($"'{e}' is not a predicate that is built here.");
        var locator = source.Locate(path);
        if (Locators.PathOf(value) is not null) throw new NotSupportedException($"'{e}' compares two members; that is not built here.");
        var constant = ValueOf(value);
        if (constant is null) return $"({locator.Raw} is {(e.NodeType == ExpressionType.Equal ? "" : "not ")}null)";
        var op = (e.NodeType, reversed) switch
        {
            (ExpressionType.Equal, _) => "=",
            (ExpressionType.NotEqual, _) => "is distinct from",
            (ExpressionType.LessThan, false) or (ExpressionType.GreaterThan, true) => "<",
            (ExpressionType.GreaterThan, false) or (ExpressionType.LessThan, true) => ">",
            (ExpressionType.LessThanOrEqual, false) or (ExpressionType.GreaterThanOrEqual, true) => "<=",
            (ExpressionType.GreaterThanOrEqual, false) or (ExpressionType.LessThanOrEqual, true) => ">=",
            _ => throw new NotSupportedException($"'{e}' is not a predicate that is built here."),
        };
        return $"({locator.Typed} {op} {Parameter(Locators.ValueFor(constant, locator.Type, json))})";
    }

    private string Call(MethodCallExpression call)
    {
        var arguments = call.Object is null ? call.Arguments : [call.Object, .. call.Arguments];
        if (call.Method.Name == nameof(ArchivedEventExtensions.MaybeArchived) && call.Method.DeclaringType == typeof(ArchivedEventExtensions)) return $"({EventSource.Archived} is not null)";
        if (call.Method.Name is "IsOneOf" or "In" && call.Method.DeclaringType == typeof(LinqExtensions)) return OneOf(arguments[0], arguments[1]);
        if (call.Method.Name == "Contains" && arguments.Count >= 2 && call.Method.DeclaringType != typeof(string)) return OneOf(arguments[1], Unwrap(arguments[0]));
        if (call.Method.DeclaringType == typeof(string) && Locators.PathOf(arguments[0]) is { } path && arguments.Count == 2 && arguments[1].Type == typeof(string))
        {
            var (before, after) = call.Method.Name switch
            {
                "Contains" => ("%", "%"),
                "StartsWith" => ("", "%"),
                "EndsWith" => ("%", ""),
                "Equals" => ("", ""),
                _ => throw new NotSupportedException($"'{call}' is not a predicate that is built here."),
            };
            var text = ((string)ValueOf(arguments[1])!).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal);
            return $"({source.Locate(path).Typed} like {Parameter(before + text + after)})";
        }

        throw new NotSupportedException($"'{call}' is not a predicate that is built here.");
    }

    private string OneOf(Expression member, Expression values)
    {
        var path = Locators.PathOf(member) ?? throw new NotSupportedException($"'{member}' is not a member.");
        var locator = source.Locate(path);
        var list = ((IEnumerable)ValueOf(values)!).Cast<object?>().Where(v => v is not null).Select(v => Locators.ValueFor(v!, locator.Type, json)).ToList();
        if (list.Count == 0) return "false";
        var array = Array.CreateInstance(list[0].GetType(), list.Count);
        for (var i = 0; i < list.Count; i++) array.SetValue(list[i], i);
        return $"({locator.Typed} = any({Parameter(array)}))";
    }

    /// <summary>The array inside the conversion to a span that the compiler puts around it.</summary>
    private static Expression Unwrap(Expression e) => e switch
    {
        MethodCallExpression { Method.Name: "op_Implicit" } conversion => Unwrap(conversion.Arguments[0]),
        UnaryExpression { NodeType: ExpressionType.Convert } conversion => Unwrap(conversion.Operand),
        _ => e,
    };

    private sealed class ParameterFinder : ExpressionVisitor
    {
        public bool Found { get; private set; }

        protected override Expression VisitParameter(ParameterExpression node)
        {
            Found = true;
            return node;
        }
    }
}
