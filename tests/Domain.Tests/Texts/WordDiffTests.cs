using FsCheck;
using FsCheck.Fluent;
using XInstruct.Domain.Texts;

namespace XInstruct.Domain.Tests.Texts;

public sealed class WordDiffTests
{
    [Theory]
    [InlineData("", "", "")]
    [InlineData("one two", "one two", "=one two")]
    [InlineData("Andika sentensi.", "Andika aya fupi.", "=Andika |-sentensi|+aya fupi|=.")]
    [InlineData("a b c", "c a b", "+c |=a b|- c")]
    [InlineData("แปลข้อความ", "แปลประโยค", "=แปล|-ข้อ|+ประโย|=ค|-วาม")]
    [InlineData("写一句话", "写两句话", "=写|-一|+两|=句话")]
    public void Of_TwoRevisions_ShowsWhatChanged(string before, string after, string expected)
    {
        var parts = WordDiff.Of(before, after);
        var found = string.Join('|', parts.Select(p => $"{(p.Kind == DiffKind.Same ? '=' : p.Kind == DiffKind.Removed ? '-' : '+')}{p.Text}"));
        found.ShouldBe(expected);
    }

    /// <summary>Nothing is lost: the parts are both texts.</summary>
    [Fact]
    public void Of_AnyTexts_GivesBothBack() => Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), ArbMap.Default.ArbFor<NonNull<string>>(), (a, b) =>
    {
        var (before, after) = (a.Get, b.Get);
        var parts = WordDiff.Of(before, after);
        return string.Concat(parts.Where(p => p.Kind != DiffKind.Added).Select(p => p.Text)) == before
            && string.Concat(parts.Where(p => p.Kind != DiffKind.Removed).Select(p => p.Text)) == after
            && parts.Zip(parts.Skip(1)).All(p => p.First.Kind != p.Second.Kind);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Of_HugeTexts_ReplacesWhatLiesBetween()
    {
        var (a, b) = (string.Join(' ', Enumerable.Range(0, 3000)), string.Join(' ', Enumerable.Range(5000, 3000)));
        WordDiff.Of("begin " + a + " end", "begin " + b + " end").Select(p => p.Kind).ShouldBe([DiffKind.Same, DiffKind.Removed, DiffKind.Added, DiffKind.Same]);
    }
}
