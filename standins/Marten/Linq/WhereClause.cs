using System.Globalization;
using System.Linq.Expressions;
using System.Reflection;
using System.Text.Json;

namespace Marten.Linq;

/// <summary>Turns simple predicates over members into SQL over a document's jsonb.</summary>
internal sealed class WhereClause(JsonSerializerOptions json)
{
    public List<object> Parameters { get; } = [];

    public string Translate(Expression expression) => expression switch
    {
        LambdaExpression lambda => Translate(lambda.Body),
        UnaryExpression { NodeType: ExpressionType.Quote } quote => Translate(quote.Operand),
        UnaryExpression { NodeType: ExpressionType.Not } not => $"not ({Translate(not.Operand)})",
        BinaryExpression { NodeType: ExpressionType.AndAlso } and => $"({Translate(and.Left)} and {Translate(and.Right)})",
        BinaryExpression { NodeType: ExpressionType.OrElse } or => $"({Translate(or.Left)} or {Translate(or.Right)})",
        BinaryExpression comparison => Compare(comparison),
        MemberExpression { Type: var type } member when type == typeof(bool) => $"({Member(member)})::boolean = true",
        _ => throw new NotSupportedException($"'{expression}' is not a predicate that is built here."),
    };

    /// <summary>jsonb path of a member as stored, comma separated.</summary>
    public static string MemberPath(Expression expression)
    {
        var names = new Stack<string>();
        for (var e = expression; ;)
        {
            switch (e)
            {
                case UnaryExpression convert: e = convert.Operand; break;
                case MemberExpression member:
                    names.Push(JsonNamingPolicy.CamelCase.ConvertName(member.Member.Name));
                    e = member.Expression;
                    break;
                case ParameterExpression: return string.Join(',', names);
                default: throw new NotSupportedException($"'{expression}' is not a member of the document.");
            }
        }
    }

    public static string Locator(string path)
    {
        var names = path.Split(',');
        return "data" + string.Concat(names[..^1].Select(n => $" -> '{n}'")) + $" ->> '{names[^1]}'";
    }

    private string Member(Expression expression)
    {
        var path = MemberPath(expression);
        return path == "id" ? "id" : json.PropertyNamingPolicy is null ? throw new NotSupportedException("Only camel-case documents are queried here.") : Locator(path);
    }

    private string Compare(BinaryExpression e)
    {
        var (member, value, reversed) = IsMember(e.Left) ? (e.Left, Value(e.Right), false) : (e.Right, Value(e.Left), true);
        var sql = Member(member);
        if (value is null) return $"{sql} is {(e.NodeType == ExpressionType.Equal ? "" : "not ")}null";
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
        var (cast, parameter) = value switch
        {
            string s => ("", (object)s),
            Guid g => (sql == "id" ? "" : "::uuid", g),
            bool b => ("::boolean", b),
            Enum x => ("", JsonSerializer.SerializeToElement(x, x.GetType(), json).ToString()),
            IConvertible n => ("::numeric", Convert.ToDecimal(n, CultureInfo.InvariantCulture)),
            _ => throw new NotSupportedException($"Values of type {value.GetType()} are not compared here."),
        };
        Parameters.Add(parameter);
        return $"({sql}){cast} {op} ${Parameters.Count}";
    }

    private static bool IsMember(Expression e) => e switch
    {
        UnaryExpression u => IsMember(u.Operand),
        MemberExpression { Expression: { } inner } => inner is ParameterExpression || IsMember(inner),
        _ => false,
    };

    private static object? Value(Expression e) => e switch
    {
        ConstantExpression constant => constant.Value,
        UnaryExpression { NodeType: ExpressionType.Convert } convert => Value(convert.Operand),
        MemberExpression { Member: FieldInfo field, Expression: var target } => field.GetValue(target is null ? null : Value(target)),
        _ => Expression.Lambda(e).Compile().DynamicInvoke(),
    };
}
