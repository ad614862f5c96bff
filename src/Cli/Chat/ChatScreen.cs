using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using XInstruct.Cli.Display;
using XInstruct.Domain.Provenance;

namespace XInstruct.Cli.Chat;

/// <summary>Where a chat is shown. On a terminal replies stream, with notes beside them; in a pipe there are replies alone, and notes go to the standard error.</summary>
/// <param name="isTerminal">Somebody looks.</param>
/// <param name="isJson">A line of JSON for each reply.</param>
internal sealed class ChatScreen(bool isTerminal, bool isJson)
{
    /// <summary>Says something about the program, not of the model.</summary>
    public void Note(string text)
    {
        if (isTerminal) AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[dim]{TerminalText.CleanLines(text)}[/]");
        else Console.Error.WriteLine(TerminalText.CleanLines(text));
    }

    /// <summary>A piece of a reply. Text of a model does not steer the terminal.</summary>
    public void Write(string piece)
    {
        if (!isJson) Console.Write(TerminalText.CleanLines(piece));
    }

    /// <summary>The reply ends.</summary>
    public void End(ChatAnswer answer)
    {
        if (isJson)
        {
            Console.WriteLine(JsonSerializer.Serialize(
                new { Content = answer.Text, answer.Finish, answer.PromptTokens, answer.NewTokens, Seconds = Math.Round(answer.Elapsed.TotalSeconds, 3) }, EventJson.Options));
            return;
        }

        Console.WriteLine();
        var why = answer.Finish switch
        {
            "length" => ", cut at its longest (--max-new-tokens)",
            "stopped" => ", stopped",
            _ => "",
        };
        if (isTerminal || why.Length > 0)
        {
            var speed = answer.NewTokens / Math.Max(answer.Elapsed.TotalSeconds, 1e-3);
            Note(string.Create(CultureInfo.InvariantCulture, $"{answer.NewTokens} tokens, {speed:F0} tokens/s{why}"));
        }
    }
}

/// <summary>A reply.</summary>
/// <param name="Text">What the model wrote.</param>
/// <param name="Finish">stop, length, or stopped by who listens.</param>
/// <param name="PromptTokens">Tokens of the conversation before.</param>
/// <param name="NewTokens">Tokens that were written.</param>
/// <param name="Elapsed">How long it took.</param>
internal sealed record ChatAnswer(string Text, string Finish, int PromptTokens, int NewTokens, TimeSpan Elapsed);
