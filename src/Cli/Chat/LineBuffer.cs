using System.Globalization;

namespace XInstruct.Cli.Chat;

/// <summary>A line that is being typed. The cursor stands between characters as a reader sees them: a letter and its marks are one.</summary>
internal sealed class LineBuffer
{
    /// <summary>What is typed so far.</summary>
    public string Text { get; private set; } = "";

    /// <summary>Where the cursor is in <see cref="Text"/>.</summary>
    public int Cursor { get; private set; }

    public void Insert(char typed) => Replace(Cursor, 0, typed.ToString());

    public void Left() => Cursor = Before();

    public void Right() => Cursor = After();

    public void Home() => Cursor = 0;

    public void End() => Cursor = Text.Length;

    /// <summary>Removes the character before the cursor.</summary>
    public void Backspace() => Replace(Before(), Cursor - Before());

    /// <summary>Removes the character under the cursor.</summary>
    public void Delete() => Replace(Cursor, After() - Cursor);

    /// <summary>Removes all before the cursor.</summary>
    public void DeleteToStart() => Replace(0, Cursor);

    /// <summary>Removes all from the cursor on.</summary>
    public void DeleteToEnd() => Replace(Cursor, Text.Length - Cursor);

    /// <summary>Removes the word before the cursor, and the spaces after it.</summary>
    public void DeleteWord()
    {
        var start = Cursor;
        while (start > 0 && char.IsWhiteSpace(Text[start - 1])) start--;
        while (start > 0 && !char.IsWhiteSpace(Text[start - 1])) start--;
        Replace(start, Cursor - start);
    }

    /// <summary>Puts another line in its place, the cursor at its end.</summary>
    public void Set(string text) => (Text, Cursor) = (text, text.Length);

    /// <summary>Where the cursor is on a screen of so many columns, and where the text ends: rows and columns from the prompt's place.</summary>
    /// <param name="prompt">Columns of the prompt.</param>
    /// <param name="columns">Columns of the screen.</param>
    /// <param name="width">Columns of a character.</param>
    public ((int Row, int Column) Cursor, (int Row, int Column) End) Place(int prompt, int columns, Func<string, int> width)
    {
        var (row, column) = (prompt / columns, prompt % columns);
        (int Row, int Column)? cursor = null;
        for (var at = 0; at < Text.Length;)
        {
            var length = StringInfo.GetNextTextElementLength(Text, at);
            var cells = width(Text.Substring(at, length));
            // A wide character does not stand half on one row.
            if (column + cells > columns) (row, column) = (row + 1, 0);
            if (at >= Cursor) cursor ??= (row, column);
            column += cells;
            if (column >= columns) (row, column) = (row + 1, 0);
            at += length;
        }

        return (cursor ?? (row, column), (row, column));
    }

    private int Before()
    {
        var before = 0;
        for (var at = 0; at < Cursor; at += StringInfo.GetNextTextElementLength(Text, at)) before = at;
        return before;
    }

    private int After() => Cursor == Text.Length ? Cursor : Cursor + StringInfo.GetNextTextElementLength(Text, Cursor);

    private void Replace(int start, int length, string text = "")
    {
        Text = string.Concat(Text.AsSpan(0, start), text, Text.AsSpan(start + length));
        Cursor = start + text.Length;
    }
}
