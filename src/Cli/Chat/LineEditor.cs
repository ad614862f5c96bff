using System.Globalization;
using System.Text;
using Spectre.Console.Rendering;
using XInstruct.Cli.Display;

namespace XInstruct.Cli.Chat;

/// <summary>Lines from a terminal: the usual keys, earlier lines by the arrows, Ctrl-C for an empty line, Ctrl-D for the end. Several pasted lines come as one.</summary>
internal sealed class LineEditor
{
    // Shown where a pasted text has a line break.
    private const char Return = '↵';

    private readonly List<string> _earlier = [];
    private int _row;

    /// <summary>The next line; null at the end.</summary>
    public string? Read(string prompt)
    {
        // While keys are read Ctrl-C is one of them; while a reply is written it is a signal.
        Console.TreatControlCAsInput = true;
        try
        {
            return Edit(prompt);
        }
        finally
        {
            Console.TreatControlCAsInput = false;
        }
    }

    private string? Edit(string prompt)
    {
        var (line, draft, place) = (new LineBuffer(), "", _earlier.Count);
        _row = 0;
        Draw(prompt, line);
        while (true)
        {
            var key = Console.ReadKey(intercept: true);
            var isControl = key.Modifiers.HasFlag(ConsoleModifiers.Control);
            switch (key.Key)
            {
                case ConsoleKey.Enter when Console.KeyAvailable:
                    line.Insert('\n');
                    break;
                case ConsoleKey.Enter:
                    line.End();
                    Draw(prompt, line);
                    Console.Write('\n');
                    if (line.Text.Trim().Length > 0 && _earlier.LastOrDefault() != line.Text) _earlier.Add(line.Text);
                    return line.Text;
                case ConsoleKey.D when isControl && line.Text.Length == 0:
                    Console.Write('\n');
                    return null;
                case ConsoleKey.UpArrow or ConsoleKey.DownArrow:
                    if (place == _earlier.Count) draft = line.Text;
                    place = Math.Clamp(place + (key.Key == ConsoleKey.UpArrow ? -1 : 1), 0, _earlier.Count);
                    line.Set(place == _earlier.Count ? draft : _earlier[place]);
                    break;
                default:
                    Change(line, key, isControl);
                    break;
            }

            // A half of a character, or a paste that goes on, is not worth a picture.
            if (!Console.KeyAvailable && !char.IsHighSurrogate(key.KeyChar)) Draw(prompt, line);
        }
    }

    private static void Change(LineBuffer line, ConsoleKeyInfo key, bool isControl)
    {
        Action? change = (key.Key, isControl) switch
        {
            (ConsoleKey.Backspace, _) or (ConsoleKey.H, true) => line.Backspace,
            (ConsoleKey.Delete, _) or (ConsoleKey.D, true) => line.Delete,
            (ConsoleKey.LeftArrow, _) or (ConsoleKey.B, true) => line.Left,
            (ConsoleKey.RightArrow, _) or (ConsoleKey.F, true) => line.Right,
            (ConsoleKey.Home, _) or (ConsoleKey.A, true) => line.Home,
            (ConsoleKey.End, _) or (ConsoleKey.E, true) => line.End,
            (ConsoleKey.U, true) => line.DeleteToStart,
            (ConsoleKey.K, true) => line.DeleteToEnd,
            (ConsoleKey.W, true) => line.DeleteWord,
            (ConsoleKey.C, true) => () => line.Set(""),
            _ => null,
        };
        if (change is not null) change();
        else if (!char.IsControl(key.KeyChar)) line.Insert(key.KeyChar);
    }

    private void Draw(string prompt, LineBuffer line)
    {
        var columns = Math.Max(8, Console.WindowWidth);
        var (cursor, end) = line.Place(prompt.Length, columns, Width);
        var picture = new StringBuilder();
        if (_row > 0) picture.Append(CultureInfo.InvariantCulture, $"\u001b[{_row}A");
        picture.Append("\r\u001b[J").Append(prompt).Append(Shown(line.Text));
        // After the last column the terminal waits with the next row until something stands there.
        if (end.Column == 0 && end.Row > 0) picture.Append(" \r");
        if (end.Row > cursor.Row) picture.Append(CultureInfo.InvariantCulture, $"\u001b[{end.Row - cursor.Row}A");
        picture.Append('\r');
        if (cursor.Column > 0) picture.Append(CultureInfo.InvariantCulture, $"\u001b[{cursor.Column}C");
        _row = cursor.Row;
        Console.Write(picture.ToString());
    }

    private static int Width(string character) => new Segment(Shown(character)).CellCount();

    private static string Shown(string text) => TerminalText.Clean(text.Replace('\n', Return));
}
