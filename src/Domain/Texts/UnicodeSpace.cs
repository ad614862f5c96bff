using System.Buffers;

namespace XInstruct.Domain.Texts;

/// <summary>Unicode's White_Space property, written out: it decides permanent identities, so it must not move with a library.</summary>
internal static class UnicodeSpace
{
    /// <summary>All 25 characters of the property; none lies outside the basic plane.</summary>
    public static readonly SearchValues<char> All = SearchValues.Create(
        "\u0009\u000A\u000B\u000C\u000D\u0020\u0085\u00A0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200A\u2028\u2029\u202F\u205F\u3000");

    public static bool Is(char unit) => unit < 128 ? unit is ' ' or (>= '\t' and <= '\r') : All.Contains(unit);
}
