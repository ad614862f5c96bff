using System.Runtime.CompilerServices;
using System.Text;

namespace XInstruct.Training.Chat.Jinja;

/// <summary>Runs a template's statements.</summary>
internal sealed class Renderer(Limits limits)
{
    private readonly Evaluator _evaluator = new(limits);
    private StringBuilder _output = new();
    private int _calls;

    private enum Leave
    {
        No,
        Break,
        Continue,
    }

    /// <summary>The line that is run.</summary>
    public int Line => _evaluator.Line;

    public string Run(IReadOnlyList<Statement> template, Scope scope)
    {
        Body(template, scope);
        return _output.ToString();
    }

    private Leave Body(IReadOnlyList<Statement> body, Scope scope)
    {
        foreach (var statement in body)
        {
            if (Statement(statement, scope) is not Leave.No and var leave) return leave;
        }

        return Leave.No;
    }

    private Leave Statement(Statement statement, Scope scope)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        limits.Step();
        _evaluator.Line = statement.Line;
        switch (statement)
        {
            case Text text:
                Put(text.Content);
                break;
            case Output output:
                Put(Values.Show(_evaluator.Value(output.Value, scope)));
                break;
            case If choice:
                foreach (var (test, body) in choice.Branches)
                {
                    if (Values.IsTrue(_evaluator.Value(test, scope))) return Body(body, scope);
                }

                return Body(choice.Else, scope);
            case For loop:
                return Run(loop, _evaluator.Value(loop.Items, scope), scope, depth: 0);
            case Set set:
                Assign(set, scope);
                break;
            case With with:
                var inner = new Scope(scope);
                foreach (var (name, value) in with.Values) inner[name] = _evaluator.Value(value, scope);
                return Body(with.Body, inner);
            case MacroDefinition macro:
                scope[macro.Name] = Macro(macro, scope);
                break;
            case CallBlock call:
                var caller = new Dictionary<string, object?>(StringComparer.Ordinal) { ["caller"] = Macro(call.Caller, scope) };
                Put(Values.Show(_evaluator.Call(call.Call, scope, caller)));
                break;
            case FilterBlock filter:
                Put(Values.Show(Filtered(filter.Filters, Captured(filter.Body, new Scope(scope)), scope)));
                break;
            case Block block:
                return Body(block.Body, new Scope(scope));
            case Break:
                return Leave.Break;
            case Continue:
                return Leave.Continue;
        }

        return Leave.No;
    }

    private void Put(string text)
    {
        limits.Grow(_output.Length, text.Length);
        _output.Append(text);
    }

    private string Captured(IReadOnlyList<Statement> body, Scope scope)
    {
        var outside = _output;
        _output = new StringBuilder();
        try
        {
            Body(body, scope);
            return _output.ToString();
        }
        finally
        {
            _output = outside;
        }
    }

    private object? Filtered(IReadOnlyList<Filter> filters, object? value, Scope scope)
    {
        foreach (var filter in filters) value = Filters.Apply(filter.Name, value, _evaluator.Arguments(filter.Name, filter.Arguments, scope));
        return value;
    }

    private Leave Run(For loop, object? of, Scope scope, int depth)
    {
        var items = Values.Items(of);
        limits.Step(items.Count);
        if (loop.Only is { } only)
        {
            items = [.. items.Where(item =>
            {
                var inner = new Scope(scope);
                Bind(loop.Names, item, inner);
                return Values.IsTrue(_evaluator.Value(only, inner));
            })];
        }

        if (items.Count == 0) return Body(loop.Else, new Scope(scope));
        var state = new Loop(items, depth, loop.IsRecursive ? arguments => Nested(loop, arguments.Required(0, "iterable"), scope, depth + 1) : null);
        for (; state.Index < items.Count; state.Index++)
        {
            var inner = new Scope(scope) { ["loop"] = state };
            Bind(loop.Names, items[state.Index], inner);
            if (Body(loop.Body, inner) == Leave.Break) break;
        }

        return Leave.No;
    }

    private string Nested(For loop, object? items, Scope scope, int depth)
    {
        if (depth > Limits.DeepestCall) throw new TemplateError($"the loop is nested deeper than {Limits.DeepestCall} levels");
        var outside = _output;
        _output = new StringBuilder();
        try
        {
            Run(loop, items, scope, depth);
            return _output.ToString();
        }
        finally
        {
            _output = outside;
        }
    }

    private void Assign(Set set, Scope scope)
    {
        var value = set.Value is { } expression ? _evaluator.Value(expression, scope) : Filtered(set.Filters, Captured(set.Body!, new Scope(scope)), scope);
        if (set.Member is { } member)
        {
            if (scope[set.Names[0]] is not Namespace space) throw new TemplateError($"'{set.Names[0]}' is not a namespace, so its members cannot be set");
            space.Members[member] = value;
        }
        else Bind(set.Names, value, scope);
    }

    private static void Bind(IReadOnlyList<string> names, object? value, Scope scope)
    {
        if (names.Count == 1)
        {
            scope[names[0]] = value;
            return;
        }

        var parts = Values.Items(value);
        if (parts.Count != names.Count) throw new TemplateError($"{parts.Count} values do not fit {names.Count} names");
        for (var i = 0; i < names.Count; i++) scope[names[i]] = parts[i];
    }

    private Function Macro(MacroDefinition macro, Scope outside) => new(macro.Name, arguments =>
    {
        if (++_calls > Limits.DeepestCall) throw new TemplateError($"macros are called deeper than {Limits.DeepestCall} levels");
        var scope = new Scope(outside);
        for (var i = 0; i < macro.Parameters.Count; i++)
        {
            var (name, whenAbsent) = macro.Parameters[i];
            scope[name] = arguments.Has(i, name) ? arguments.Get(i, name) : whenAbsent is null ? new Undefined(name) : _evaluator.Value(whenAbsent, scope);
        }

        scope["varargs"] = arguments.Positional.Skip(macro.Parameters.Count).ToArray();
        var extra = Values.Map();
        foreach (var (name, value) in arguments.Named.Where(named => named.Key != "caller" && !macro.Parameters.Any(parameter => parameter.Name == named.Key))) extra[name] = value;
        scope["kwargs"] = extra;
        scope["caller"] = arguments.Named.TryGetValue("caller", out var caller) ? caller : new Undefined("caller");
        var text = Captured(macro.Body, scope);
        _calls--;
        return text;
    });
}
