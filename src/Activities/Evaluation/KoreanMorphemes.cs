using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using XInstruct.Activities.Jobs;
using XInstruct.Domain.Evaluation;

namespace XInstruct.Activities.Evaluation;

/// <summary>Cuts Korean texts into morphemes by MeCab, with the dictionary that the recipe names: the words that ROUGE and F1 count.</summary>
internal static class KoreanMorphemes
{
    /// <summary>Items with the words of their Korean outputs and references.</summary>
    /// <exception cref="JobException">MeCab is missing, or does not take the dictionary.</exception>
    public static async Task<List<ItemScore>> AddAsync(List<ItemScore> items, string dictionary, CancellationToken ct)
    {
        var korean = Enumerable.Range(0, items.Count).Where(i => items[i].Language.Split('-')[0] == "ko" && items[i] is { Output: not null, Reference: not null }).ToList();
        var words = await CutAsync([.. korean.SelectMany(i => new[] { items[i].Output!, items[i].Reference! })], dictionary, ct);
        foreach (var (n, i) in korean.Index()) items[i] = items[i] with { OutputWords = words[2 * n], ReferenceWords = words[(2 * n) + 1] };
        return items;
    }

    /// <summary>The morphemes of each text that have a letter or a digit, in small letters.</summary>
    private static async Task<IReadOnlyList<string[]>> CutAsync(IReadOnlyList<string> texts, string dictionary, CancellationToken ct)
    {
        if (texts.Count == 0) return [];
        // A text is a line of MeCab's, and its buffer must hold the longest.
        var lines = texts.Select(text => text.Normalize(NormalizationForm.FormC).ToLowerInvariant().ReplaceLineEndings(" ")).ToList();
        var longest = lines.Max(Encoding.UTF8.GetByteCount) + 2;
        var start = new ProcessStartInfo("mecab", ["-r", "/dev/null", "-d", dictionary, "-O", "wakati", "-b", longest.ToString(CultureInfo.InvariantCulture)])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(false),
            StandardOutputEncoding = Encoding.UTF8,
        };
        using var mecab = Start(start);
        var (said, errors) = (mecab.StandardOutput.ReadToEndAsync(ct), mecab.StandardError.ReadToEndAsync(ct));
        try
        {
            foreach (var line in lines) await mecab.StandardInput.WriteAsync((line + "\n").AsMemory(), ct);
            mecab.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended, and says why.
        }

        var cut = (await said).Split('\n');
        await mecab.WaitForExitAsync(ct);
        if (mecab.ExitCode != 0 || cut.Length != texts.Count + 1)
            throw new JobException($"MeCab cannot cut the Korean texts with the dictionary of koreanDictionary: {(await errors).Trim()} It must be a compiled dictionary in UTF-8, such as mecab-ko-dic; without the key texts are cut into characters.");
        return [.. cut[..^1].Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(word => word.EnumerateRunes().Any(Rune.IsLetterOrDigit)).ToArray())];
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new JobException("koreanDictionary needs the program mecab on machines with workers of the queue xi-cpu: 'apt-get install mecab'. Without the key Korean texts are cut into characters.", e);
        }
    }
}
