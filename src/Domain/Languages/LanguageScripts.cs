using System.Globalization;

namespace XInstruct.Domain.Languages;

/// <summary>
/// Which scripts a language is written in: its script subtag where it has one, a table for languages with several, else the script
/// in which CLDR writes the language's own name.
/// </summary>
internal static class LanguageScripts
{
    // ISO 15924 codes of script subtags.
    private static readonly Dictionary<string, Script[]> Subtags = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Adlm"] = [Script.Adlam],
        ["Arab"] = [Script.Arabic],
        ["Aran"] = [Script.Arabic],
        ["Armn"] = [Script.Armenian],
        ["Bali"] = [Script.Balinese],
        ["Beng"] = [Script.Bengali],
        ["Bopo"] = [Script.Bopomofo],
        ["Cakm"] = [Script.Chakma],
        ["Cans"] = [Script.CanadianAboriginal],
        ["Cher"] = [Script.Cherokee],
        ["Copt"] = [Script.Coptic],
        ["Cyrl"] = [Script.Cyrillic],
        ["Deva"] = [Script.Devanagari],
        ["Ethi"] = [Script.Ethiopic],
        ["Geor"] = [Script.Georgian],
        ["Grek"] = [Script.Greek],
        ["Gujr"] = [Script.Gujarati],
        ["Guru"] = [Script.Gurmukhi],
        ["Hang"] = [Script.Hangul],
        ["Hani"] = [Script.Han],
        ["Hans"] = [Script.Han],
        ["Hant"] = [Script.Han],
        ["Hebr"] = [Script.Hebrew],
        ["Java"] = [Script.Javanese],
        ["Jpan"] = [Script.Han, Script.Hiragana, Script.Katakana],
        ["Khmr"] = [Script.Khmer],
        ["Knda"] = [Script.Kannada],
        ["Kore"] = [Script.Hangul, Script.Han],
        ["Laoo"] = [Script.Lao],
        ["Latn"] = [Script.Latin],
        ["Lisu"] = [Script.Lisu],
        ["Mlym"] = [Script.Malayalam],
        ["Mong"] = [Script.Mongolian],
        ["Mtei"] = [Script.MeeteiMayek],
        ["Mymr"] = [Script.Myanmar],
        ["Nkoo"] = [Script.Nko],
        ["Olck"] = [Script.OlChiki],
        ["Orya"] = [Script.Oriya],
        ["Sinh"] = [Script.Sinhala],
        ["Sund"] = [Script.Sundanese],
        ["Syrc"] = [Script.Syriac],
        ["Tale"] = [Script.TaiLe],
        ["Taml"] = [Script.Tamil],
        ["Telu"] = [Script.Telugu],
        ["Tfng"] = [Script.Tifinagh],
        ["Thaa"] = [Script.Thaana],
        ["Thai"] = [Script.Thai],
        ["Tibt"] = [Script.Tibetan],
        ["Vaii"] = [Script.Vai],
        ["Yiii"] = [Script.Yi],
    };

    // Languages in several scripts, and languages for whose name .NET has no native form.
    private static readonly Dictionary<string, Script[]> Special = Table(
        "ja:Jpan ko:Kore zh:Hani yue:Hani wuu:Hani nan:Hani,Latn hak:Hani,Latn lzh:Hani sr:Cyrl,Latn bs:Latn,Cyrl sh:Latn,Cyrl cnr:Latn,Cyrl az:Latn,Cyrl,Arab " +
        "uz:Latn,Cyrl,Arab kk:Cyrl,Latn,Arab ky:Cyrl,Arab tg:Cyrl,Arab tk:Latn,Cyrl,Arab tt:Cyrl,Latn ug:Arab,Cyrl,Latn mn:Cyrl,Mong pa:Guru,Arab pnb:Arab " +
        "ms:Latn,Arab ku:Latn,Arab ks:Arab,Deva sd:Arab,Deva kok:Deva,Latn mni:Beng,Mtei ff:Latn,Adlm vai:Vaii,Latn shi:Tfng,Latn zgh:Tfng,Latn tzm:Latn,Tfng " +
        "ber:Tfng,Latn kab:Latn,Tfng su:Latn,Sund jv:Latn,Java ban:Latn,Bali ha:Latn,Arab sat:Olck,Deva,Beng dv:Thaa new:Deva awa:Deva mag:Deva hne:Deva " +
        "gom:Deva,Latn pi:Deva arz:Arab apc:Arab ary:Arab aeb:Arab arq:Arab ajp:Arab acm:Arab ars:Arab bal:Arab skr:Arab bqi:Arab glk:Arab azb:Arab prs:Arab " +
        "syr:Syrc arc:Syrc,Hebr lad:Hebr,Latn mnw:Mymr shn:Mymr rki:Mymr ksw:Mymr tcy:Knda nod:Thai tts:Thai dng:Cyrl ba:Cyrl cv:Cyrl udm:Cyrl kv:Cyrl mhr:Cyrl mrj:Cyrl " +
        "myv:Cyrl mdf:Cyrl ab:Cyrl av:Cyrl lez:Cyrl kbd:Cyrl ady:Cyrl inh:Cyrl krc:Cyrl kum:Cyrl bua:Cyrl xal:Cyrl tyv:Cyrl alt:Cyrl crh:Latn,Cyrl rue:Cyrl cu:Cyrl os:Cyrl " +
        "iu:Cans,Latn cr:Cans,Latn oj:Cans,Latn nqo:Nkoo gez:Ethi tig:Ethi cop:Copt dz:Tibt lis:Lisu kr:Latn,Arab hy:Armn xmf:Geor " +
        "la:Latn nso:Latn ts:Latn ve:Latn ss:Latn st:Latn tn:Latn nr:Latn ny:Latn ty:Latn sm:Latn fj:Latn gn:Latn ay:Latn ht:Latn ilo:Latn war:Latn pag:Latn pam:Latn " +
        "bcl:Latn min:Latn,Arab ace:Latn,Arab bjn:Latn,Arab bug:Latn tl:Latn tlh:Latn an:Latn oc:Latn co:Latn wa:Latn li:Latn vo:Latn io:Latn ie:Latn lmo:Latn pms:Latn " +
        "scn:Latn vec:Latn nap:Latn szl:Latn csb:Latn ltg:Latn sgs:Latn kaa:Latn,Cyrl tpi:Latn bi:Latn ch:Latn mh:Latn na:Latn nv:Latn tw:Latn fon:Latn mos:Latn umb:Latn");

    /// <summary>The scripts of a language, most usual first; none when nobody knows.</summary>
    public static IReadOnlyList<Script> Of(string language, string? scriptSubtag)
    {
        if (scriptSubtag is not null) return Subtags.GetValueOrDefault(scriptSubtag) ?? [];
        if (Special.TryGetValue(language, out var special)) return special;
        try
        {
            // Only a culture that has data of its own has a native name; for others .NET gives the English one.
            var culture = CultureInfo.GetCultureInfo(language, predefinedOnly: true);
            var counts = new int[Scripts.Number];
            Scripts.Count(culture.NativeName, counts);
            counts[(int)Script.None] = 0;
            var most = counts.Max();
            return most == 0 ? [] : [(Script)Array.IndexOf(counts, most)];
        }
        catch (CultureNotFoundException)
        {
            return [];
        }
    }

    private static Dictionary<string, Script[]> Table(string rows) => rows.Split(' ').Select(row => row.Split(':'))
        .ToDictionary(row => row[0], row => row[1].Split(',').SelectMany(code => Subtags[code]).ToArray(), StringComparer.Ordinal);
}
