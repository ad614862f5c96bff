using System.Globalization;
using XInstruct.Cli.Chat;

namespace XInstruct.EndToEnd.Serving;

/// <summary>The line that is typed in <c>chat</c>.</summary>
public sealed class LineBufferTests
{
    [Fact]
    public void Keys_WordsWithMarks_MoveAndDeleteWholeCharacters()
    {
        var line = Typed("สวัสดี 🙂b");
        line.Left();
        line.Left();
        line.Backspace();
        line.Text.ShouldBe("สวัสดี🙂b");
        line.Backspace();
        // A letter with its mark is one character.
        line.Text.ShouldBe("สวัส🙂b");
        line.Delete();
        line.Text.ShouldBe("สวัสb");
        line.End();
        line.DeleteWord();
        line.Text.ShouldBe("");
    }

    [Fact]
    public void Keys_AtTheEnds_DoNothing()
    {
        var line = Typed("ab");
        line.Right();
        line.Delete();
        line.Home();
        line.Left();
        line.Backspace();
        (line.Text, line.Cursor).ShouldBe(("ab", 0));
        line.Insert('x');
        line.DeleteToEnd();
        (line.Text, line.Cursor).ShouldBe(("x", 1));
        line.DeleteToStart();
        line.Text.ShouldBe("");
        line.Set("one  two");
        line.DeleteWord();
        line.Text.ShouldBe("one  ");
    }

    [Theory]
    [InlineData("abc", 3, 0, 5, 0, 5)]
    [InlineData("abcdefgh", 8, 1, 0, 1, 0)] // the row is full: the next one begins
    [InlineData("abcdefghi", 4, 0, 6, 1, 1)]
    [InlineData("abcdefg你", 8, 1, 2, 1, 2)] // a wide character does not stand half on a row
    [InlineData("abcdefg你", 7, 1, 0, 1, 2)]
    public void Place_Text_WrapsAtTheScreensEdge(string text, int cursor, int row, int column, int endRow, int endColumn)
    {
        var line = Typed(text);
        while (line.Cursor > cursor) line.Left();
        line.Place(prompt: 2, columns: 10, one => one == "你" ? 2 : 1).ShouldBe(((row, column), (endRow, endColumn)));
    }

    [Fact]
    public void Keys_AnyOrder_KeepTheCursorBetweenCharacters()
    {
        var random = new Random(5);
        var line = new LineBuffer();
        Action[] keys = [line.Left, line.Right, line.Home, line.End, line.Backspace, line.Delete, line.DeleteWord, line.DeleteToEnd, .. "aé\u0301ิก你 \u200D".Select(c => (Action)(() => line.Insert(c)))];
        for (var i = 0; i < 5000; i++)
        {
            var key = keys[random.Next(keys.Length)];
            key();
            line.Cursor.ShouldBeInRange(0, line.Text.Length);
            var (cursor, end) = line.Place(2, 20, _ => 1);
            (cursor.Row * 20 + cursor.Column).ShouldBeLessThanOrEqualTo(end.Row * 20 + end.Column);
            // Whatever was typed before: left and right come back to a border of characters.
            line.Left();
            var borders = StringInfo.ParseCombiningCharacters(line.Text);
            (line.Cursor == 0 || borders.Contains(line.Cursor)).ShouldBeTrue($"{line.Cursor} in {line.Text}");
        }
    }

    private static LineBuffer Typed(string text)
    {
        var line = new LineBuffer();
        foreach (var one in text) line.Insert(one);
        return line;
    }
}
