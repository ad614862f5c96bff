using System.Globalization;
using System.Text;

namespace XInstruct.Training.Chat.Jinja;

internal enum TokenKind
{
    Text,
    OutputStart,
    OutputEnd,
    BlockStart,
    BlockEnd,
    Name,
    String,
    Integer,
    Float,
    Sign,
    End,
}

internal readonly record struct TemplateToken(TokenKind Kind, string Text, int Line);

/// <summary>
/// A template's tokens, with the white space rules that chat templates are written for: the line break after a block or comment goes, so does
/// what indents one, and a minus takes all white space on its side (jinja.palletsprojects.com, trim_blocks and lstrip_blocks on).
/// </summary>
internal sealed class TemplateLexer(string name, string source)
{
    private static readonly string[] Signs = ["**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", ".", ",", ":", "(", ")", "[", "]", "{", "}", "|"];

    private readonly string _source = Lines(source);
    private readonly List<TemplateToken> _tokens = [];
    private int _at;
    private int _line = 1;

    public List<TemplateToken> Read()
    {
        var isLineStart = true;
        while (_at < _source.Length)
        {
            var tag = NextTag(_at);
            var end = tag < 0 ? _source.Length : tag;
            var text = _source[_at..end];
            if (tag >= 0)
            {
                var sign = tag + 2 < _source.Length ? _source[tag + 2] : ' ';
                if (sign == '-') text = text.TrimEnd();
                else if (sign != '+' && _source[tag + 1] != '{') text = WithoutIndent(text, isLineStart);
            }

            if (text.Length > 0) _tokens.Add(new TemplateToken(TokenKind.Text, text, _line));
            Move(end);
            if (tag < 0) break;
            if (_source[tag + 1] == '#') Comment();
            else Tag(isBlock: _source[tag + 1] == '%');
            isLineStart = _source[_at - 1] == '\n';
        }

        _tokens.Add(new TemplateToken(TokenKind.End, "", _line));
        return _tokens;
    }

    private static string Lines(string source)
    {
        var text = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        return text.EndsWith('\n') ? text[..^1] : text;
    }

    private int NextTag(int from)
    {
        for (var at = from; (at = _source.IndexOf('{', at)) >= 0 && at + 1 < _source.Length; at++)
        {
            if (_source[at + 1] is '{' or '%' or '#') return at;
        }

        return -1;
    }

    private static string WithoutIndent(string text, bool isLineStart)
    {
        var start = text.LastIndexOf('\n') + 1;
        return (start > 0 || isLineStart) && text.AsSpan(start).IsWhiteSpace() ? text[..start] : text;
    }

    private void Comment()
    {
        var end = _source.IndexOf("#}", _at + 2, StringComparison.Ordinal);
        if (end < 0) throw Error("the comment has no end");
        var takesAll = end > _at + 2 && _source[end - 1] == '-';
        Move(end + 2);
        TrimAfter(takesAll, takesLine: !(end > 0 && _source[end - 1] == '+'));
    }

    private void Tag(bool isBlock)
    {
        var line = _line;
        var start = _at;
        Move(_at + 2);
        if (_at < _source.Length && _source[_at] is '-' or '+') Move(_at + 1);
        if (isBlock && TryRaw(start)) return;
        _tokens.Add(new TemplateToken(isBlock ? TokenKind.BlockStart : TokenKind.OutputStart, "", line));
        var depth = 0;
        while (true)
        {
            while (_at < _source.Length && char.IsWhiteSpace(_source[_at])) Move(_at + 1);
            if (_at == _source.Length) throw new ChatTemplateException(name, line, $"the tag {(isBlock ? "{%" : "{{")} has no end");
            if (depth == 0 && TryEnd(isBlock)) return;
            depth += Token();
        }
    }

    private bool TryEnd(bool isBlock)
    {
        var close = isBlock ? "%}" : "}}";
        var sign = _source[_at] is '-' or '+' ? _source[_at] : ' ';
        if (string.CompareOrdinal(_source, _at + (sign == ' ' ? 0 : 1), close, 0, 2) != 0) return false;
        _tokens.Add(new TemplateToken(isBlock ? TokenKind.BlockEnd : TokenKind.OutputEnd, "", _line));
        Move(_at + (sign == ' ' ? 2 : 3));
        TrimAfter(sign == '-', takesLine: isBlock && sign != '+');
        return true;
    }

    private void TrimAfter(bool takesAll, bool takesLine)
    {
        if (takesAll)
        {
            while (_at < _source.Length && char.IsWhiteSpace(_source[_at])) Move(_at + 1);
        }
        else if (takesLine && _at < _source.Length && _source[_at] == '\n') Move(_at + 1);
    }

    // What lies between raw and endraw is text.
    private bool TryRaw(int start)
    {
        if (Word(_at, "raw") is not (> 0 and var open) || BlockEnd(open) is not { } begin) return false;
        for (var tag = begin.End; (tag = _source.IndexOf("{%", tag, StringComparison.Ordinal)) >= 0; tag += 2)
        {
            var inner = tag + 2;
            var takesLeft = inner < _source.Length && _source[inner] == '-';
            if (inner < _source.Length && _source[inner] is '-' or '+') inner++;
            if (Word(inner, "endraw") is not (> 0 and var close) || BlockEnd(close) is not { } end) continue;
            Move(begin.End);
            TrimAfter(begin.Sign == '-', takesLine: begin.Sign != '+');
            var text = _at < tag ? _source[_at..tag] : "";
            text = takesLeft ? text.TrimEnd() : WithoutIndent(text, isLineStart: false);
            if (text.Length > 0) _tokens.Add(new TemplateToken(TokenKind.Text, text, _line));
            Move(end.End);
            TrimAfter(end.Sign == '-', takesLine: end.Sign != '+');
            return true;
        }

        throw Error("the raw block has no end", start);
    }

    private int Word(int at, string word)
    {
        while (at < _source.Length && char.IsWhiteSpace(_source[at])) at++;
        return string.CompareOrdinal(_source, at, word, 0, word.Length) == 0 ? at + word.Length : 0;
    }

    private (int End, char Sign)? BlockEnd(int at)
    {
        while (at < _source.Length && char.IsWhiteSpace(_source[at])) at++;
        if (at == _source.Length) return null;
        var sign = _source[at] is '-' or '+' ? _source[at++] : ' ';
        return string.CompareOrdinal(_source, at, "%}", 0, 2) == 0 ? (at + 2, sign) : null;
    }

    // Returns by how much brackets nest deeper.
    private int Token()
    {
        var c = _source[_at];
        if (c is '\'' or '"')
        {
            StringLiteral(c);
            return 0;
        }

        if (char.IsAsciiDigit(c))
        {
            Number();
            return 0;
        }

        if (char.IsLetter(c) || c == '_')
        {
            var end = _at;
            while (end < _source.Length && (char.IsLetterOrDigit(_source[end]) || _source[end] == '_')) end++;
            Add(TokenKind.Name, _source[_at..end], end);
            return 0;
        }

        var sign = Array.Find(Signs, s => string.CompareOrdinal(_source, _at, s, 0, s.Length) == 0) ?? throw Error($"'{c}' is not expected");
        Add(TokenKind.Sign, sign, _at + sign.Length);
        return sign is "(" or "[" or "{" ? 1 : sign is ")" or "]" or "}" ? -1 : 0;
    }

    private void Number()
    {
        var end = _at;
        while (end < _source.Length && (char.IsAsciiDigit(_source[end]) || _source[end] == '_')) end++;
        var isFloat = false;
        if (end + 1 < _source.Length && _source[end] == '.' && char.IsAsciiDigit(_source[end + 1]))
        {
            isFloat = true;
            for (end++; end < _source.Length && char.IsAsciiDigit(_source[end]);) end++;
        }

        if (end < _source.Length && _source[end] is 'e' or 'E')
        {
            var exponent = end + 1;
            if (exponent < _source.Length && _source[exponent] is '+' or '-') exponent++;
            if (exponent < _source.Length && char.IsAsciiDigit(_source[exponent]))
            {
                isFloat = true;
                for (end = exponent; end < _source.Length && char.IsAsciiDigit(_source[end]);) end++;
            }
        }

        Add(isFloat ? TokenKind.Float : TokenKind.Integer, _source[_at..end].Replace("_", "", StringComparison.Ordinal), end);
    }

    private void StringLiteral(char quote)
    {
        var text = new StringBuilder();
        var at = _at + 1;
        while (true)
        {
            if (at >= _source.Length) throw Error("the string has no end");
            var c = _source[at++];
            if (c == quote) break;
            if (c == '\\' && at < _source.Length) at = Escape(at, text);
            else text.Append(c);
        }

        Add(TokenKind.String, text.ToString(), at);
    }

    private int Escape(int at, StringBuilder text)
    {
        var c = _source[at++];
        const string Plain = "\\'\"";
        const string Letters = "abfnrtv";
        if (Plain.Contains(c, StringComparison.Ordinal)) text.Append(c);
        else if (Letters.IndexOf(c, StringComparison.Ordinal) is >= 0 and var letter) text.Append("\a\b\f\n\r\t\v"[letter]);
        else if (c == '\n') return at;
        else if (c is 'x' or 'u' or 'U')
        {
            var digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
            if (at + digits > _source.Length || !int.TryParse(_source.AsSpan(at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
                throw Error($"'\\{c}' is not followed by {digits} hexadecimal digits");
            text.Append(Rune.TryCreate(value, out var rune) ? rune.ToString() : "\ufffd");
            return at + digits;
        }
        else if (c is >= '0' and <= '7')
        {
            var value = 0;
            var end = Math.Min(at + 2, _source.Length);
            for (at--; at < end && _source[at] is >= '0' and <= '7'; at++) value = (8 * value) + _source[at] - '0';
            text.Append((char)value);
        }
        else text.Append('\\').Append(c);
        return at;
    }

    private void Add(TokenKind kind, string text, int end)
    {
        _tokens.Add(new TemplateToken(kind, text, _line));
        Move(end);
    }

    private void Move(int to)
    {
        _line += _source.AsSpan(_at, to - _at).Count('\n');
        _at = to;
    }

    private ChatTemplateException Error(string problem, int? at = null) =>
        new(name, at is { } place ? 1 + _source.AsSpan(0, place).Count('\n') : _line, problem);
}
