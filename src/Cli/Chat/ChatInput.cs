using System.Text;

namespace XInstruct.Cli.Chat;

/// <summary>What somebody typed: a line, or several.</summary>
/// <param name="Text">The text.</param>
/// <param name="IsCommand">Whether it is for the program and not the model.</param>
internal sealed record Typed(string Text, bool IsCommand);

/// <summary>Messages out of lines: a line that ends in a backslash goes on in the next, and lines between two lines of three quotes belong together.</summary>
/// <param name="readLine">Reads a line after showing a prompt; null at the end.</param>
internal sealed class ChatInput(Func<string, string?> readLine)
{
    private const string Quotes = "\"\"\"";

    /// <summary>The next message or command; null at the end.</summary>
    public Typed? Read()
    {
        if (readLine("> ") is not { } line) return null;
        if (line.Trim() == Quotes) return Block();
        // Pasted lines come as one, and are no command.
        if (!Continues(line)) return new Typed(line, line.StartsWith('/') && !line.Contains('\n', StringComparison.Ordinal));
        var text = new StringBuilder(line[..^1]);
        while (readLine("… ") is { } next)
        {
            text.Append('\n').Append(Continues(next) ? next[..^1] : next);
            if (!Continues(next)) break;
        }

        return new Typed(text.ToString(), IsCommand: false);
    }

    private static bool Continues(string line) => line.EndsWith('\\');

    private Typed Block()
    {
        var lines = new List<string>();
        while (readLine("… ") is { } line && line.Trim() != Quotes) lines.Add(line);
        return new Typed(string.Join('\n', lines), IsCommand: false);
    }
}
