namespace XInstruct.Domain.Texts;

/// <summary>Why a row did not become a text. Stored in <c>RowsRejected</c>: permanent names.</summary>
public static class RejectionReason
{
    /// <summary>The text holds U+0000.</summary>
    public const string Nul = "nul";

    /// <summary>The text holds half a surrogate pair.</summary>
    public const string LoneSurrogate = "lone-surrogate";

    /// <summary>Nothing but white space and control characters.</summary>
    public const string Empty = "empty";

    /// <summary>Fewer code points than <see cref="FilterOptions.MinChars"/>.</summary>
    public const string TooShort = "too-short";

    /// <summary>More code points than <see cref="FilterOptions.MaxChars"/>.</summary>
    public const string TooLong = "too-long";

    /// <summary>Written in capitals throughout.</summary>
    public const string Uppercase = "uppercase";

    /// <summary>Navigation, notices, link lists.</summary>
    public const string Boilerplate = "boilerplate";

    /// <summary>Says the same again and again.</summary>
    public const string Repetition = "repetition";

    /// <summary>Not in the declared language.</summary>
    public const string WrongLanguage = "wrong-language";

    /// <summary>Equal to an earlier text after normalisation.</summary>
    public const string Duplicate = "duplicate";

    /// <summary>Almost equal to an earlier text.</summary>
    public const string NearDuplicate = "near-duplicate";
}
