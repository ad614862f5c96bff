using XInstruct.Domain.Texts;

namespace XInstruct.Cli.Display;

/// <summary>Corpus text on a terminal: control and bidirectional formatting characters are shown as �, so that no text steers the terminal.</summary>
internal static class TerminalText
{
    public static string Clean(string text) => DisplayText.Clean(text);

    /// <summary>The same for a text of several lines.</summary>
    public static string CleanLines(string text) => DisplayText.CleanLines(text);
}
