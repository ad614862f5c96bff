using System.Runtime.CompilerServices;

namespace XInstruct.Training.Chat.Jinja;

/// <summary>Makes statements of a template's tokens.</summary>
internal sealed class TemplateParser(string name, IReadOnlyList<TemplateToken> tokens) : ExpressionParser(name, tokens)
{
    private int _loops;

    /// <summary>The statements of a whole template.</summary>
    public static IReadOnlyList<Statement> Parse(string name, string source)
    {
        var parser = new TemplateParser(name, new TemplateLexer(name, source).Read());
        try
        {
            return parser.Body();
        }
        catch (InsufficientExecutionStackException error)
        {
            throw new ChatTemplateException(name, parser.Line, "the template is nested too deeply", error);
        }
    }

    // Until one of the words; the tag of that word is taken up to its own content.
    private List<Statement> Body(params ReadOnlySpan<string> ends)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        var body = new List<Statement>();
        while (true)
        {
            var token = Take();
            switch (token.Kind)
            {
                case TokenKind.Text:
                    body.Add(new Text(token.Line, token.Text));
                    break;
                case TokenKind.OutputStart:
                    body.Add(new Output(token.Line, Tuple()));
                    Expect(TokenKind.OutputEnd);
                    break;
                case TokenKind.BlockStart:
                    if (Current.Kind == TokenKind.Name && ends.Contains(Current.Text)) return body;
                    body.Add(Statement());
                    break;
                default:
                    return ends.Length == 0 ? body : throw Error($"'{ends[^1]}' is missing");
            }
        }
    }

    private Statement Statement()
    {
        var line = Line;
        var word = Name();
        switch (word)
        {
            case "if": return IfStatement(line);
            case "for": return ForStatement(line);
            case "set": return SetStatement(line);
            case "macro": return Macro(line, Name(), "endmacro");
            case "call": return CallStatement(line);
            case "filter": return FilterStatement(line);
            case "with": return WithStatement(line);
            case "generation":
                return new Block(line, Inner("endgeneration"));
            case "break" or "continue" when _loops > 0:
                Expect(TokenKind.BlockEnd);
                return word == "break" ? new Break(line) : new Continue(line);
            default:
                throw Error($"the tag '{word}' is not supported{(word.StartsWith("end", StringComparison.Ordinal) || word is "else" or "elif" ? " here" : "")}");
        }
    }

    private List<Statement> Inner(string end)
    {
        Expect(TokenKind.BlockEnd);
        var body = Body(end);
        Take();
        Expect(TokenKind.BlockEnd);
        return body;
    }

    private If IfStatement(int line)
    {
        var branches = new List<(Expression, IReadOnlyList<Statement>)>();
        IReadOnlyList<Statement> otherwise = [];
        do
        {
            var test = Tuple();
            Expect(TokenKind.BlockEnd);
            branches.Add((test, Body("elif", "else", "endif")));
        }
        while (TakeIfName("elif"));

        if (TakeIfName("else"))
        {
            Expect(TokenKind.BlockEnd);
            otherwise = Body("endif");
        }

        Take();
        Expect(TokenKind.BlockEnd);
        return new If(line, branches, otherwise);
    }

    private For ForStatement(int line)
    {
        var names = Targets();
        if (!TakeIfName("in")) throw Error($"'in' is expected, not {Shown()}");
        var items = Or();
        if (Is(","))
        {
            var all = new List<Expression> { items };
            while (TakeIf(",")) all.Add(Or());
            items = new ListLiteral(line, all, IsTuple: true);
        }

        var only = TakeIfName("if") ? Expression() : null;
        var isRecursive = TakeIfName("recursive");
        Expect(TokenKind.BlockEnd);
        _loops++;
        var body = Body("else", "endfor");
        _loops--;
        IReadOnlyList<Statement> otherwise = [];
        if (TakeIfName("else"))
        {
            Expect(TokenKind.BlockEnd);
            otherwise = Body("endfor");
        }

        Take();
        Expect(TokenKind.BlockEnd);
        return new For(line, names, items, only, isRecursive, body, otherwise);
    }

    private List<string> Targets()
    {
        var isBracketed = TakeIf("(");
        var names = new List<string> { Name() };
        while (TakeIf(",")) names.Add(Name());
        if (isBracketed) Expect(")");
        return names;
    }

    private Set SetStatement(int line)
    {
        var names = Targets();
        var member = names.Count == 1 && TakeIf(".") ? Name() : null;
        if (TakeIf("="))
        {
            var value = Tuple();
            Expect(TokenKind.BlockEnd);
            return new Set(line, names, member, value, null, []);
        }

        if (names.Count > 1) throw Error($"'=' is expected, not {Shown()}");
        var filters = BlockFilters();
        return new Set(line, names, member, null, Inner("endset"), filters);
    }

    private MacroDefinition Macro(int line, string macro, string end)
    {
        var parameters = new List<(string, Expression?)>();
        if (TakeIf("("))
        {
            while (!TakeIf(")"))
            {
                if (parameters.Count > 0) Expect(",");
                parameters.Add((Name(), TakeIf("=") ? Expression() : null));
            }
        }

        // A loop outside a macro is none of its.
        var loops = _loops;
        _loops = 0;
        var body = Inner(end);
        _loops = loops;
        return new MacroDefinition(line, macro, parameters, body);
    }

    private CallBlock CallStatement(int line)
    {
        var parameters = new List<(string, Expression?)>();
        if (TakeIf("("))
        {
            while (!TakeIf(")"))
            {
                if (parameters.Count > 0) Expect(",");
                parameters.Add((Name(), TakeIf("=") ? Expression() : null));
            }
        }

        if (Expression() is not Call call) throw Error("a call is expected");
        return new CallBlock(line, call, new MacroDefinition(line, "caller", parameters, Inner("endcall")));
    }

    private FilterBlock FilterStatement(int line)
    {
        var (filter, arguments) = FilterName();
        var filters = new List<Filter> { new(line, null, filter, arguments) };
        filters.AddRange(BlockFilters());
        return new FilterBlock(line, filters, Inner("endfilter"));
    }

    private List<Filter> BlockFilters()
    {
        var filters = new List<Filter>();
        while (TakeIf("|"))
        {
            var line = Line;
            var (filter, arguments) = FilterName();
            filters.Add(new Filter(line, null, filter, arguments));
        }

        return filters;
    }

    private With WithStatement(int line)
    {
        var values = new List<(string, Expression)>();
        while (Current.Kind == TokenKind.Name)
        {
            var target = Name();
            Expect("=");
            values.Add((target, Expression()));
            if (!TakeIf(",")) break;
        }

        return new With(line, values, Inner("endwith"));
    }
}
