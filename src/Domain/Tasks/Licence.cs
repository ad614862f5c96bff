namespace XInstruct.Domain.Tasks;

/// <summary>What a licence lets one do, where that is known.</summary>
/// <param name="Name">SPDX identifier, or the name that the data's owner uses; "unknown" when nobody says.</param>
/// <param name="Commercial">Commercial use; null when unknown.</param>
/// <param name="Derivatives">Passing on what was made from it; null when unknown.</param>
public sealed record Licence(string Name, bool? Commercial, bool? Derivatives)
{
    /// <summary>The name of no licence.</summary>
    public const string Unknown = "unknown";

    private static readonly string[] Free = ["CC0", "PDM", "PDDL", "CC-PDDC", "ODC-By", "ODbL", "CC-BY", "CC-BY-SA", "MIT", "Apache", "BSD", "GFDL", "Unlicense", "ISC", "AFL", "MPL", "GPL", "LGPL"];

    /// <summary>The licence of a name; what a Creative Commons or well-known free licence says follows from its name.</summary>
    /// <param name="name">SPDX identifier with or without its version, e.g. CC-BY-SA-4.0, CC-BY-SA.</param>
    /// <param name="commercial">What is known otherwise; comes first.</param>
    /// <param name="derivatives">The same.</param>
    public static Licence Of(string? name, bool? commercial = null, bool? derivatives = null)
    {
        if (string.IsNullOrWhiteSpace(name)) name = Unknown;
        var parts = name.Split('-');
        if (parts[0].Equals("CC", StringComparison.OrdinalIgnoreCase) && Has("BY"))
        {
            commercial ??= !Has("NC");
            derivatives ??= !Has("ND");
        }
        else if (Free.Any(free => name.Equals(free, StringComparison.OrdinalIgnoreCase) || name.StartsWith($"{free}-", StringComparison.OrdinalIgnoreCase)))
        {
            commercial ??= true;
            derivatives ??= true;
        }

        return new Licence(name, commercial, derivatives);

        bool Has(string part) => parts.Contains(part, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Why somebody who insists on these freedoms can't use it; null when he can.</summary>
    /// <param name="commercial">Commercial use is wanted.</param>
    /// <param name="derivatives">Derivatives are wanted.</param>
    /// <param name="known">What is not known is refused too.</param>
    public string? Refusal(bool commercial, bool derivatives, bool known) =>
        commercial && Commercial == false ? LicenceRefusal.NonCommercial
        : derivatives && Derivatives == false ? LicenceRefusal.NoDerivatives
        : known && ((commercial && Commercial is null) || (derivatives && Derivatives is null) || string.Equals(Name, Unknown, StringComparison.OrdinalIgnoreCase)) ? LicenceRefusal.UnknownTerms
        : null;
}

/// <summary>Reasons for which a licence is refused.</summary>
public static class LicenceRefusal
{
    /// <summary>It forbids commercial use.</summary>
    public const string NonCommercial = "licence-non-commercial";

    /// <summary>It forbids passing on derivatives.</summary>
    public const string NoDerivatives = "licence-no-derivatives";

    /// <summary>Nobody says what it allows.</summary>
    public const string UnknownTerms = "licence-unknown";
}
