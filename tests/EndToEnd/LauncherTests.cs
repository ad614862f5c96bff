using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace XInstruct.EndToEnd;

/// <summary>./xinstruct itself, with a private PostgreSQL, from folders that nobody else can enter.</summary>
public sealed class LauncherTests(ITestOutputHelper output) : IDisposable
{
    /// <summary>Account without rights: 'nobody' on every Linux.</summary>
    private const int Nobody = 65534;

    /// <summary>Starts whose quickest counts: what others do at the same time is not the launcher's.</summary>
    private const int Starts = 5;

    private readonly string _temporary = Directory.CreateTempSubdirectory("xi-launcher-").FullName;

    public void Dispose() => Directory.Delete(_temporary, recursive: true);

    [Fact]
    public async Task Start_FolderWithSpacesTwoAtOnce_ShareOneServer()
    {
        using var copy = await LauncherCopy.CreateAsync(Path.Combine(_temporary, "a clone, it's mine"), user: null);
        await StartsTwiceAsync(copy);
        var (code, _, said) = await copy.LaunchAsync("down");
        code.ShouldBe(0, said);
        said.ShouldContain("stopping PostgreSQL");
    }

    [Fact]
    public async Task Start_FolderInTheHome_Works()
    {
        var home = Directory.CreateDirectory(Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), $".xi-launcher-{Guid.NewGuid():N}"));
        try
        {
            using var copy = await LauncherCopy.CreateAsync(Path.Combine(home.FullName, "clone"), user: null);
            var (code, text, error) = await copy.LaunchAsync("status", "--json");
            code.ShouldBe(0, error + text);
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }

    [RootFact]
    public async Task Start_OrdinaryUser_OwnsItsServer()
    {
        File.SetUnixFileMode(_temporary, (UnixFileMode)0x1ED);
        using var copy = await LauncherCopy.CreateAsync(Path.Combine(_temporary, "clone"), Nobody);
        await StartsTwiceAsync(copy);
        var postmaster = (await File.ReadAllLinesAsync(Path.Combine(copy.Home, "postgres/postmaster.pid")))[0];
        (await File.ReadAllLinesAsync($"/proc/{postmaster}/status")).ShouldContain(l => l.StartsWith($"Uid:\t{Nobody}\t", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Start_InterruptedWhileItSetsUp_ExitsWith130AndStartsAgain()
    {
        using var copy = await LauncherCopy.CreateAsync(Path.Combine(_temporary, "clone"), user: null);
        using (var process = copy.Start(new Dictionary<string, string>(), "status"))
        {
            var said = await process.StandardError.ReadLineAsync();
            said.ShouldNotBeNull().ShouldContain("creating a private PostgreSQL");
            ProductProcess.SignalGroup(process, ProductProcess.Interrupt);
            await process.WaitForExitAsync();
            process.ExitCode.ShouldBe(130);
        }

        var (code, text, error) = await copy.LaunchAsync("status", "--json");
        code.ShouldBe(0, error + text);
    }

    [Fact]
    public async Task Start_SecondTime_ReachesTheCommandWithinASecond()
    {
        using var copy = await LauncherCopy.CreateAsync(Path.Combine(_temporary, "clone"), user: null);
        copy.Replace("printf '%s' \"$EPOCHREALTIME\"");
        (await copy.LaunchAsync("status")).Code.ShouldBe(0);
        var quickest = double.MaxValue;
        for (var start = 0; start < Starts; start++)
        {
            var begun = DateTime.UtcNow;
            var (_, reached, _) = await copy.LaunchAsync("status");
            var seconds = double.Parse(reached, CultureInfo.InvariantCulture) - (begun - DateTime.UnixEpoch).TotalSeconds;
            quickest = Math.Min(quickest, seconds);
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"from ./xinstruct to the command, PostgreSQL included: {quickest:F2} s"));
        quickest.ShouldBeLessThanOrEqualTo(1);
    }

    [Fact]
    public async Task Start_ArgumentsAndExitCode_PassThrough()
    {
        using var copy = await LauncherCopy.CreateAsync(Path.Combine(_temporary, "clone"), user: null);
        copy.Replace("printf '[%s]' \"$@\"; exit 7");
        var (code, text, error) = await copy.LaunchAsync("recipe", "check", "my recipe.yaml", "--set", "a=$HOME '*'", "");
        code.ShouldBe(7, error);
        text.ShouldBe("[recipe][check][my recipe.yaml][--set][a=$HOME '*'][]");
    }

    [Fact]
    public async Task CtrlC_InARun_ExitsWith130AndTheSameCommandGoesOn()
    {
        await using var product = await ProductProcess.CreateAsync();
        using var copy = await LauncherCopy.CreateAsync(Path.Combine(_temporary, "clone"), user: null);
        string[] command = ["run", UndisturbedRun.Recipe, "--json", .. UndisturbedRun.Small];
        using (var process = copy.Start(product.Environment, command))
        {
            var (text, said) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await product.WaitForEventsAsync(process, 1);
            ProductProcess.SignalGroup(process, ProductProcess.Interrupt);
            await process.WaitForExitAsync();
            process.ExitCode.ShouldBe(130, await said + await text);
            (await said).ShouldContain("goes on");
        }

        var interrupted = await product.CountEventsAsync();
        using var again = copy.Start(product.Environment, command);
        var (last, error) = (again.StandardOutput.ReadToEndAsync(), again.StandardError.ReadToEndAsync());
        await again.WaitForExitAsync();
        again.ExitCode.ShouldBe(0, await error + await last);
        (await product.CountEventsAsync()).ShouldBeGreaterThan(interrupted);
        (await product.RunAsync("audit", "verify")).Code.ShouldBe(0);
    }

    /// <summary>Two first starts at the same time, and then the doctor.</summary>
    private static async Task StartsTwiceAsync(LauncherCopy copy)
    {
        foreach (var (code, text, error) in await Task.WhenAll(copy.LaunchAsync("status", "--json"), copy.LaunchAsync("status", "--json"))) code.ShouldBe(0, error + text);
        var doctor = await copy.LaunchAsync("doctor", "--json");
        doctor.Code.ShouldBe(0, doctor.Error + doctor.Output);
    }
}

/// <summary>A test that takes another account and is skipped, with a message, where it may not.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute()
    {
        if (!Environment.IsPrivilegedProcess) Skip = "Only root can run this as another user.";
        else if (!IsOpen(new DirectoryInfo(Tests.SharedData.Root)) || !File.GetUnixFileMode(ProductProcess.Program).HasFlag(UnixFileMode.OtherExecute)) Skip = $"Another user cannot read {Tests.SharedData.Root}, where the built product lies.";
    }

    private static bool IsOpen(DirectoryInfo? folder) => folder is null || (folder.UnixFileMode.HasFlag(UnixFileMode.OtherExecute) && IsOpen(folder.Parent));
}
