using System.Diagnostics;
using XInstruct.Activities.Evaluation;
using XInstruct.Activities.Jobs;
using XInstruct.Domain.Evaluation;

namespace XInstruct.Activities.Tests.Evaluation;

/// <summary>MeCab itself, with a dictionary of five words.</summary>
public sealed class KoreanMorphemesTests : IDisposable
{
    internal const string Compiler = "/usr/lib/mecab/mecab-dict-index";

    private readonly string _folder = Directory.CreateTempSubdirectory("xi-mecab-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [MecabFact]
    public async Task Add_KoreanTexts_AreCutIntoMorphemesAndOthersAreNot()
    {
        await CompileAsync();
        List<ItemScore> items =
        [
            new() { Language = "ko", Output = "나는 학교에\n갔다.", Reference = "학교는 갔다" },
            new() { Language = "en", Output = "a b", Reference = "a c" },
            new() { Language = "ko", Error = "failed" },
            new() { Language = "ko", Output = "", Reference = string.Concat(Enumerable.Repeat("학교", 20_000)) },
        ];
        items = await KoreanMorphemes.AddAsync(items, _folder, default);
        items[0].OutputWords.ShouldBe(["나", "는", "학교", "에", "갔다"]);
        items[0].ReferenceWords.ShouldBe(["학교", "는", "갔다"]);
        items[1].OutputWords.ShouldBeNull();
        items[2].OutputWords.ShouldBeNull();
        items[3].OutputWords.ShouldBeEmpty();
        items[3].ReferenceWords!.Count.ShouldBe(20_000);
        // Three of five and of three are shared; in order two of them.
        Score("rouge1", items[0]).ShouldBe(100 * 2 * 0.6 * 1 / 1.6, 1e-9);
        Score("rougeL", items[0]).ShouldBe(100 * 2 * 0.4 * (2 / 3.0) / (0.4 + (2 / 3.0)), 1e-9);
        Score("f1", items[1]).ShouldBe(50, 1e-9);
    }

    [MecabFact]
    public async Task Add_NoDictionary_SaysSo()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "sys.dic"), "no dictionary");
        var e = await Should.ThrowAsync<JobException>(() => KoreanMorphemes.AddAsync([new() { Language = "ko", Output = "나", Reference = "나" }], _folder, default));
        e.Message.ShouldContain("koreanDictionary");
    }

    private static double Score(string measure, ItemScore item) => Measure.All[measure].Score(Measure.All[measure].Counts(item)!);

    private async Task CompileAsync()
    {
        var source = Directory.CreateDirectory(Path.Combine(_folder, "source")).FullName;
        var files = new Dictionary<string, string>
        {
            ["words.csv"] = string.Concat(new[] { "나", "는", "학교", "에", "갔다" }.Select(word => $"{word},0,0,100,*\n")),
            ["unk.def"] = "DEFAULT,0,0,3000,*\nHANGUL,0,0,3000,*\nSPACE,0,0,10,*\n",
            ["char.def"] = "DEFAULT 0 1 0\nHANGUL 0 1 0\nSPACE 0 1 0\n0x0020 SPACE\n0xAC00..0xD7A3 HANGUL\n",
            ["matrix.def"] = "1 1\n0 0 0\n",
            ["left-id.def"] = "0 BOS/EOS\n",
            ["right-id.def"] = "0 BOS/EOS\n",
            ["rewrite.def"] = "",
            ["feature.def"] = "",
            ["dicrc"] = "cost-factor = 800\nbos-feature = BOS/EOS\neval-size = 1\nunk-eval-size = 1\nconfig-charset = UTF-8\n",
        };
        foreach (var (name, text) in files) await File.WriteAllTextAsync(Path.Combine(source, name), text);
        File.Copy(Path.Combine(source, "dicrc"), Path.Combine(_folder, "dicrc"));
        using var compiler = Process.Start(new ProcessStartInfo(Compiler, ["-d", source, "-o", _folder, "-f", "utf-8", "-t", "utf-8"]) { UseShellExecute = false, RedirectStandardOutput = true })!;
        await compiler.StandardOutput.ReadToEndAsync();
        await compiler.WaitForExitAsync();
        compiler.ExitCode.ShouldBe(0);
    }
}

/// <summary>A test that needs MeCab and is skipped, with a message, where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class MecabFactAttribute : FactAttribute
{
    public MecabFactAttribute()
    {
        if (!File.Exists("/usr/bin/mecab") || !File.Exists(KoreanMorphemesTests.Compiler)) Skip = "MeCab is missing: apt-get install mecab mecab-utils.";
    }
}
