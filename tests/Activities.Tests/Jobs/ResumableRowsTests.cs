using XInstruct.Activities.Jobs;

namespace XInstruct.Activities.Tests.Jobs;

public sealed class ResumableRowsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-rows-").FullName;

    private static readonly Dictionary<string, string> s_settings = new() { ["seed"] = "1" };

    private string Output => Path.Combine(_folder, "out.jsonl");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("", 0)]
    [InlineData("{\"row\":1,\"a\":1}\n", 0)]
    [InlineData("{\"row\":1,\"a\":1}\n{\"row\":2,\"a\":1}\n", 2)]
    [InlineData("{\"row\":1,\"a\":1}\n{\"row\":2,\"a\":1}\n{\"ro", 2)]
    [InlineData("{\"row\":1,\"a\":1}\n{\"row\":2,\"a\":1}\n{\"row\":3,\"a\":1}\n{\"row\":4,\"a\":1}", 2)] // the line has no end
    [InlineData("{\"row\":1,\"a\":1}\n{\"row\":2,\"a\":1}\n{\"row\":3,\"a\":1}\n{\"row\":4,\"a\":1}\n", 4)]
    [InlineData("{\"row\":1,\"a\":1}\n{\"row\":2,\"a\":1}\n\0\0\0\0\n{\"row\":4,\"a\":1}\n", 2)] // the power went
    [InlineData("{\"row\":1,\"a\":1}\n{\"row\":3,\"a\":1}\n", 0)]
    public void Open_OutputOfAKilledJob_KeepsItsWholeWindows(string there, int done)
    {
        using (var rows = ResumableRows.Open(Output, s_settings, window: 2, overwrite: false)) rows!.Done.ShouldBe(0);
        File.WriteAllText(Output, there);
        using var again = ResumableRows.Open(Output, s_settings, window: 2, overwrite: false);
        again!.Done.ShouldBe(done);
        again.Add("{\"row\":" + (done + 1) + ",\"a\":2}");
        again.EndWindow(1);
        again.Complete();
        again.Done.ShouldBe(done + 1);
        again.Dispose();
        File.ReadAllLines(Output).Length.ShouldBe(done + 1);
        File.ReadAllText(Output).ShouldStartWith(there[..Math.Min(there.Length, done * 16)]);
        ResumableRows.Open(Output, s_settings, window: 2, overwrite: false).ShouldBeNull();
    }

    [Fact]
    public void Open_ByTwo_RefusesTheSecond()
    {
        using var first = ResumableRows.Open(Output, s_settings, 2, overwrite: false);
        Should.Throw<JobOutputException>(() => ResumableRows.Open(Output, s_settings, 2, overwrite: true)).Message.ShouldContain("cannot be written");
    }

    [Fact]
    public void Open_OtherSettings_NamesTheOneThatDiffers_AndTouchesNothing()
    {
        using (var rows = ResumableRows.Open(Output, s_settings, 1, overwrite: false)) rows!.Add("{\"row\":1,\"a\":1}");
        Should.Throw<JobOutputException>(() => ResumableRows.Open(Output, new Dictionary<string, string> { ["seed"] = "2" }, 1, overwrite: false)).Message.ShouldContain("seed was 1, now it is 2");
        Should.Throw<JobOutputException>(() => ResumableRows.Open(Output, new Dictionary<string, string>(), 1, overwrite: false)).Message.ShouldContain("now it is not set");
        File.ReadAllLines(Output).Length.ShouldBe(1);
        using var anew = ResumableRows.Open(Output, new Dictionary<string, string> { ["seed"] = "2" }, 1, overwrite: true);
        anew!.Done.ShouldBe(0);
        new FileInfo(Output).Length.ShouldBe(0);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{}")]
    public void Open_DamagedState_SaysSo(string state)
    {
        File.WriteAllText(ResumableRows.StatePath(Output), state);
        Should.Throw<JobOutputException>(() => ResumableRows.Open(Output, s_settings, 1, overwrite: false)).Message.ShouldContain("--overwrite");
        using var anew = ResumableRows.Open(Output, s_settings, 1, overwrite: true);
        anew!.Done.ShouldBe(0);
    }

    [Fact]
    public void Open_NoFolder_SaysSo()
        => Should.Throw<JobOutputException>(() => ResumableRows.Open(Path.Combine(_folder, "absent", "out.jsonl"), s_settings, 1, overwrite: false)).Message.ShouldContain("There is no folder");
}
