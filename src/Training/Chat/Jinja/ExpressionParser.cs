using System.Globalization;
using System.Runtime.CompilerServices;

namespace XInstruct.Training.Chat.Jinja;

/// <summary>Reads tokens one by one and makes expressions of them, in Jinja's order of operators.</summary>
internal class ExpressionParser(string name, IReadOnlyList<TemplateToken> tokens)
{
    private const int DeepestExpression = 100;
    private static readonly string[] Comparisons = ["==", "!=", "<", ">", "<=", ">="];

    private int _at;
    private int _depth;

    protected TemplateToken Current => tokens[_at];

    protected int Line => Current.Line;

    protected TemplateToken Take() => _at + 1 < tokens.Count ? tokens[_at++] : tokens[_at];

    protected bool Is(string sign) => Current.Kind == TokenKind.Sign && Current.Text == sign;

    protected bool IsName(string word) => Current.Kind == TokenKind.Name && Current.Text == word;

    protected bool TakeIf(string sign)
    {
        if (!Is(sign)) return false;
        Take();
        return true;
    }

    protected bool TakeIfName(string word)
    {
        if (!IsName(word)) return false;
        Take();
        return true;
    }

    protected void Expect(string sign)
    {
        if (!TakeIf(sign)) throw Error($"'{sign}' is expected, not {Shown()}");
    }

    protected void Expect(TokenKind kind)
    {
        if (Current.Kind != kind) throw Error($"{(kind == TokenKind.BlockEnd ? "the end of the tag" : kind == TokenKind.OutputEnd ? "'}}'" : kind.ToString())} is expected, not {Shown()}");
        Take();
    }

    protected string Name() => Current.Kind == TokenKind.Name ? Take().Text : throw Error($"a name is expected, not {Shown()}");

    protected ChatTemplateException Error(string problem) => new(name, Line, problem);

    protected string Shown() => Current.Kind switch
    {
        TokenKind.End => "the end of the template",
        TokenKind.BlockEnd or TokenKind.OutputEnd => "the end of the tag",
        TokenKind.String => "a string",
        TokenKind.Text => "text",
        _ => $"'{Current.Text}'",
    };

    /// <summary>An expression, a tuple without brackets too.</summary>
    protected Expression Tuple()
    {
        var line = Line;
        var first = Expression();
        if (!Is(",")) return first;
        var items = new List<Expression> { first };
        while (TakeIf(",") && Current.Kind is not (TokenKind.BlockEnd or TokenKind.OutputEnd) && !Is(")")) items.Add(Expression());
        return new ListLiteral(line, items, IsTuple: true);
    }

    protected Expression Expression()
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        if (++_depth > DeepestExpression) throw Error($"the expression is nested deeper than {DeepestExpression} levels");
        var line = Line;
        var value = Or();
        while (TakeIfName("if"))
        {
            var test = Or();
            value = new Choice(line, test, value, TakeIfName("else") ? Expression() : null);
        }

        _depth--;
        return value;
    }

    // For the items of a loop: an "if" after them is the loop's.
    protected Expression Or() => Left(And, () => TakeIfName("or") ? "or" : null);

    protected (string Name, Arguments Arguments) FilterName()
    {
        var filter = Name();
        while (TakeIf(".")) filter += "." + Name();
        return (filter, TakeIf("(") ? Arguments() : Jinja.Arguments.None);
    }

    protected Arguments Arguments()
    {
        var positional = new List<Expression>();
        var named = new List<(string, Expression)>();
        while (!TakeIf(")"))
        {
            if (positional.Count + named.Count > 0)
            {
                Expect(",");
                if (TakeIf(")")) break;
            }

            if (Is("*") || Is("**")) throw Error("arguments with * are not supported");
            if (Current.Kind == TokenKind.Name && tokens[_at + 1] is { Kind: TokenKind.Sign, Text: "=" })
            {
                var key = Take().Text;
                Take();
                named.Add((key, Expression()));
            }
            else if (named.Count > 0) throw Error("an argument without a name stands after one with a name");
            else positional.Add(Expression());
        }

        return new Arguments(positional, named);
    }

    private Expression And() => Left(Not, () => TakeIfName("and") ? "and" : null);

    private Expression Not()
    {
        var line = Line;
        var count = 0;
        while (TakeIfName("not")) count++;
        var value = Compare();
        // Each further "not" only turns the truth.
        if (count == 0) return value;
        value = new Unary(line, "not", value);
        return count % 2 == 1 ? value : new Unary(line, "not", value);
    }

    private Expression Compare()
    {
        var line = Line;
        var first = Sum();
        var rest = new List<(string, Expression)>();
        while (true)
        {
            if (Current.Kind == TokenKind.Sign && Comparisons.Contains(Current.Text)) rest.Add((Take().Text, Sum()));
            else if (TakeIfName("in")) rest.Add(("in", Sum()));
            else if (IsName("not") && tokens[_at + 1] is { Kind: TokenKind.Name, Text: "in" })
            {
                Take();
                Take();
                rest.Add(("not in", Sum()));
            }
            else return rest.Count == 0 ? first : new Comparison(line, first, rest);
        }
    }

    private Expression Sum() => Left(Joined, () => Is("+") || Is("-") ? Take().Text : null);

    private Expression Joined()
    {
        var line = Line;
        var first = Product();
        if (!Is("~")) return first;
        var parts = new List<Expression> { first };
        while (TakeIf("~")) parts.Add(Product());
        return new Concat(line, parts);
    }

    private Expression Product() => Left(Power, () => Is("*") || Is("/") || Is("//") || Is("%") ? Take().Text : null);

    private Expression Power() => Left(() => Signed(takesFilters: true), () => TakeIf("**") ? "**" : null);

    private Expression Signed(bool takesFilters)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        var line = Line;
        var value = Is("-") || Is("+") ? new Unary(line, Take().Text, Signed(takesFilters: false)) : Primary();
        value = Postfix(value);
        return takesFilters ? Filters(value) : value;
    }

    private Expression Left(Func<Expression> operand, Func<string?> operation)
    {
        var line = Line;
        var left = operand();
        for (var length = 0; operation() is { } sign; length++)
        {
            if (length == 10 * DeepestExpression) throw Error("the expression is too long");
            left = new Binary(line, sign, left, operand());
        }

        return left;
    }

    private Expression Primary()
    {
        var line = Line;
        var token = Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                Take();
                return token.Text switch
                {
                    "true" or "True" => new Literal(line, true),
                    "false" or "False" => new Literal(line, false),
                    "none" or "None" => new Literal(line, null),
                    _ => new Variable(line, token.Text),
                };
            case TokenKind.String:
                var text = Take().Text;
                while (Current.Kind == TokenKind.String) text += Take().Text;
                return new Literal(line, text);
            case TokenKind.Integer:
                Take();
                return long.TryParse(token.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var whole)
                    ? new Literal(line, whole)
                    : throw Error($"the number {token.Text} is too large");
            case TokenKind.Float:
                Take();
                return new Literal(line, double.Parse(token.Text, CultureInfo.InvariantCulture));
            case TokenKind.Sign when TakeIf("("):
                if (TakeIf(")")) return new ListLiteral(line, [], IsTuple: true);
                var inner = Tuple();
                Expect(")");
                return inner;
            case TokenKind.Sign when TakeIf("["):
                return new ListLiteral(line, Items("]", Expression), IsTuple: false);
            case TokenKind.Sign when TakeIf("{"):
                return new MapLiteral(line, Items("}", () =>
                {
                    var key = Expression();
                    Expect(":");
                    return (key, Expression());
                }));
            default:
                throw Error($"a value is expected, not {Shown()}");
        }
    }

    private List<T> Items<T>(string end, Func<T> item)
    {
        var items = new List<T>();
        while (!TakeIf(end))
        {
            if (items.Count > 0)
            {
                Expect(",");
                if (TakeIf(end)) break;
            }

            items.Add(item());
        }

        return items;
    }

    private Expression Postfix(Expression value)
    {
        for (var length = 0; ; length++)
        {
            if (length == 10 * DeepestExpression) throw Error("the expression is too long");
            var line = Line;
            if (TakeIf(".")) value = Current.Kind == TokenKind.Integer ? new Item(line, value, Primary()) : new Attribute(line, value, Name());
            else if (TakeIf("[")) value = Subscript(line, value);
            else if (TakeIf("(")) value = new Call(line, value, Arguments());
            else return value;
        }
    }

    private Expression Subscript(int line, Expression value)
    {
        var start = Is(":") ? null : Expression();
        if (TakeIf("]")) return new Item(line, value, start!);
        Expect(":");
        var stop = Is(":") || Is("]") ? null : Expression();
        var step = TakeIf(":") && !Is("]") ? Expression() : null;
        Expect("]");
        return new Slice(line, value, start, stop, step);
    }

    private Expression Filters(Expression value)
    {
        for (var length = 0; ; length++)
        {
            if (length == 10 * DeepestExpression) throw Error("the expression is too long");
            var line = Line;
            if (TakeIf("|"))
            {
                var (filter, arguments) = FilterName();
                value = new Filter(line, value, filter, arguments);
            }
            else if (TakeIfName("is"))
            {
                var isNegated = TakeIfName("not");
                value = new Test(line, value, Name(), TestArguments(), isNegated);
            }
            else if (TakeIf("(")) value = new Call(line, value, Arguments());
            else return value;
        }
    }

    // In brackets, or one value without.
    private Arguments TestArguments()
    {
        if (TakeIf("(")) return Arguments();
        var hasOne = Current.Kind is TokenKind.String or TokenKind.Integer or TokenKind.Float || Is("[") || Is("{")
            || (Current.Kind == TokenKind.Name && Current.Text is not ("else" or "or" or "and" or "if" or "is" or "in" or "not"));
        return hasOne ? new Arguments([Postfix(Primary())], []) : Jinja.Arguments.None;
    }
}
