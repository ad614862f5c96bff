using System.Runtime.CompilerServices;

namespace XInstruct.Training.Chat.Jinja;

/// <summary>Gives expressions their values.</summary>
internal sealed class Evaluator(Limits limits)
{
    /// <summary>The line of what is evaluated: where an error is.</summary>
    public int Line { get; set; }

    public object? Value(Expression expression, Scope scope)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        limits.Step();
        Line = expression.Line;
        switch (expression)
        {
            case Literal literal: return literal.Value;
            case Variable variable: return scope[variable.Name];
            case ListLiteral list:
                var items = list.Items.Select(item => Value(item, scope));
                return list.IsTuple ? items.ToArray() : items.ToList();
            case MapLiteral literal:
                var map = Values.Map();
                foreach (var (key, item) in literal.Items) map[Value(key, scope) ?? throw new TemplateError("none cannot be a key")] = Value(item, scope);
                return map;
            case Attribute attribute:
                var owner = Value(attribute.Of, scope);
                Line = attribute.Line;
                return Operators.Member(owner, attribute.Name);
            case Item item:
                var container = Value(item.Of, scope);
                var place = Value(item.Key, scope);
                Line = item.Line;
                return Operators.Item(container, place);
            case Slice slice:
                return Operators.Slice(Value(slice.Of, scope), Optional(slice.Start, scope), Optional(slice.Stop, scope), Optional(slice.Step, scope), limits);
            case Call call: return Call(call, scope, null);
            case Filter filter:
                var filtered = filter.Of is null ? null : Value(filter.Of, scope);
                var arguments = Arguments(filter.Name, filter.Arguments, scope);
                Line = filter.Line;
                return Filters.Apply(filter.Name, filtered, arguments);
            case Test test:
                var tested = Value(test.Of, scope);
                return Tests.Passes(test.Name, tested, Arguments(test.Name, test.Arguments, scope)) != test.IsNegated;
            case Unary { Operator: "not" } not: return !Values.IsTrue(Value(not.Of, scope));
            case Unary unary: return Operators.Negative(unary.Operator, Value(unary.Of, scope));
            case Binary binary: return Binary(binary, scope);
            case Concat concat: return TextMethods.Join("", [.. concat.Parts.Select(part => Values.Show(Value(part, scope)))], limits);
            case Comparison comparison: return Compare(comparison, scope);
            case Choice choice:
                return Values.IsTrue(Value(choice.Test, scope)) ? Value(choice.Then, scope) : choice.Else is null ? new Undefined("the other choice") : Value(choice.Else, scope);
            default: throw new InvalidOperationException($"No value for {expression.GetType()}.");
        }
    }

    public CallArguments Arguments(string function, Arguments arguments, Scope scope, Dictionary<string, object?>? named = null)
    {
        named ??= new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var (name, value) in arguments.Named) named[name] = Value(value, scope);
        return new CallArguments(function, [.. arguments.Positional.Select(value => Value(value, scope))], named, limits);
    }

    /// <summary>Calls a function with further named arguments.</summary>
    public object? Call(Call call, Scope scope, Dictionary<string, object?>? named)
    {
        var callee = Value(call.Function, scope);
        var function = callee switch
        {
            Function known => known,
            Loop { Recurse: { } recurse } => new Function("loop", recurse),
            Undefined missing => throw new TemplateError($"'{missing.Name}' is undefined"),
            _ => throw new TemplateError($"{Values.Kind(callee)} cannot be called"),
        };
        var arguments = Arguments(function.Name, call.Arguments, scope, named);
        Line = call.Line;
        return function.Body(arguments);
    }

    private object? Optional(Expression? expression, Scope scope) => expression is null ? null : Value(expression, scope);

    private object? Binary(Binary binary, Scope scope)
    {
        var left = Value(binary.Left, scope);
        if (binary.Operator == "and") return Values.IsTrue(left) ? Value(binary.Right, scope) : left;
        if (binary.Operator == "or") return Values.IsTrue(left) ? left : Value(binary.Right, scope);
        var right = Value(binary.Right, scope);
        Line = binary.Line;
        return Operators.Binary(binary.Operator, left, right, limits);
    }

    private bool Compare(Comparison comparison, Scope scope)
    {
        var left = Value(comparison.First, scope);
        foreach (var (sign, expression) in comparison.Rest)
        {
            var right = Value(expression, scope);
            Line = comparison.Line;
            if (right is IReadOnlyCollection<object?> many) limits.Step(many.Count);
            var holds = sign switch
            {
                "==" => Values.Equals(left, right),
                "!=" => !Values.Equals(left, right),
                "in" => Values.Contains(right, left),
                "not in" => !Values.Contains(right, left),
                "<" => Values.Compare(left, right) < 0,
                "<=" => Values.Compare(left, right) <= 0,
                ">" => Values.Compare(left, right) > 0,
                _ => Values.Compare(left, right) >= 0,
            };
            if (!holds) return false;
            left = right;
        }

        return true;
    }
}
