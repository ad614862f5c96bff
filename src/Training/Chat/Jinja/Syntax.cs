namespace XInstruct.Training.Chat.Jinja;

// The tree of a template. Lines count from 1.
internal abstract record Expression(int Line);

internal sealed record Literal(int Line, object? Value) : Expression(Line);

internal sealed record Variable(int Line, string Name) : Expression(Line);

internal sealed record ListLiteral(int Line, IReadOnlyList<Expression> Items, bool IsTuple) : Expression(Line);

internal sealed record MapLiteral(int Line, IReadOnlyList<(Expression Key, Expression Value)> Items) : Expression(Line);

internal sealed record Attribute(int Line, Expression Of, string Name) : Expression(Line);

internal sealed record Item(int Line, Expression Of, Expression Key) : Expression(Line);

internal sealed record Slice(int Line, Expression Of, Expression? Start, Expression? Stop, Expression? Step) : Expression(Line);

internal sealed record Call(int Line, Expression Function, Arguments Arguments) : Expression(Line);

/// <summary>A filter; without a subject it is that of a filter block.</summary>
internal sealed record Filter(int Line, Expression? Of, string Name, Arguments Arguments) : Expression(Line);

internal sealed record Test(int Line, Expression Of, string Name, Arguments Arguments, bool IsNegated) : Expression(Line);

internal sealed record Unary(int Line, string Operator, Expression Of) : Expression(Line);

internal sealed record Binary(int Line, string Operator, Expression Left, Expression Right) : Expression(Line);

internal sealed record Concat(int Line, IReadOnlyList<Expression> Parts) : Expression(Line);

internal sealed record Comparison(int Line, Expression First, IReadOnlyList<(string Operator, Expression Right)> Rest) : Expression(Line);

internal sealed record Choice(int Line, Expression Test, Expression Then, Expression? Else) : Expression(Line);

internal sealed record Arguments(IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Named)
{
    public static Arguments None { get; } = new([], []);
}

internal abstract record Statement(int Line);

internal sealed record Text(int Line, string Content) : Statement(Line);

internal sealed record Output(int Line, Expression Value) : Statement(Line);

internal sealed record If(int Line, IReadOnlyList<(Expression Test, IReadOnlyList<Statement> Body)> Branches, IReadOnlyList<Statement> Else) : Statement(Line);

internal sealed record For(
    int Line, IReadOnlyList<string> Names, Expression Items, Expression? Only, bool IsRecursive, IReadOnlyList<Statement> Body, IReadOnlyList<Statement> Else) : Statement(Line);

/// <summary>An assignment of a value, or of what a block puts out (with filters). With a member it is that of a namespace.</summary>
internal sealed record Set(int Line, IReadOnlyList<string> Names, string? Member, Expression? Value, IReadOnlyList<Statement>? Body, IReadOnlyList<Filter> Filters) : Statement(Line);

internal sealed record With(int Line, IReadOnlyList<(string Name, Expression Value)> Values, IReadOnlyList<Statement> Body) : Statement(Line);

internal sealed record MacroDefinition(int Line, string Name, IReadOnlyList<(string Name, Expression? Default)> Parameters, IReadOnlyList<Statement> Body) : Statement(Line);

internal sealed record CallBlock(int Line, Call Call, MacroDefinition Caller) : Statement(Line);

internal sealed record FilterBlock(int Line, IReadOnlyList<Filter> Filters, IReadOnlyList<Statement> Body) : Statement(Line);

/// <summary>A block without a meaning of its own, such as <c>generation</c>, which marks what a model writes.</summary>
internal sealed record Block(int Line, IReadOnlyList<Statement> Body) : Statement(Line);

internal sealed record Break(int Line) : Statement(Line);

internal sealed record Continue(int Line) : Statement(Line);
