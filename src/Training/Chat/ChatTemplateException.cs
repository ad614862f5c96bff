using System.Globalization;

namespace XInstruct.Training.Chat;

/// <summary>A chat template that cannot be read, that ran into an error or a limit, or that refused the messages; names the line.</summary>
public sealed class ChatTemplateException(string template, int line, string problem, Exception? inner = null)
    : Exception(string.Create(CultureInfo.InvariantCulture, $"{template}, line {line}: {problem}"), inner)
{
    /// <summary>The template's name.</summary>
    public string Template { get; } = template;

    /// <summary>The line, from 1.</summary>
    public int Line { get; } = line;

    /// <summary>What is wrong; of a template that called <c>raise_exception</c>, its words.</summary>
    public string Problem { get; } = problem;
}
