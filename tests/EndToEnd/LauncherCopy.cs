using System.Diagnostics;
using System.Globalization;

namespace XInstruct.EndToEnd;

/// <summary>A clone of the repository as far as the launcher looks at it, with the product that is built already.</summary>
internal sealed class LauncherCopy : IDisposable
{
    private static readonly string Root = Tests.SharedData.Root;

    private readonly int? _user;

    private LauncherCopy(string folder, int? user) => (Folder, _user) = (folder, user);

    /// <summary>The clone.</summary>
    public string Folder { get; }

    /// <summary>Its private home.</summary>
    public string Home => Path.Combine(Folder, ".xinstruct");

    /// <summary>Copies the launcher and the sources whose names and times are its build key, and says that they are built.</summary>
    /// <param name="folder">Where; created with mode 0700.</param>
    /// <param name="user">Account to run as; null for the present one.</param>
    public static async Task<LauncherCopy> CreateAsync(string folder, int? user)
    {
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var copy = new LauncherCopy(folder, user);
        await ShellAsync(
            """
            set -e
            cd "$1"
            find xinstruct eng src standins ./*.props ./*.targets global.json .editorconfig \( -name bin -o -name obj -o -name node_modules \) -prune -o -type f -print0 |
              xargs -0 cp --parents -p -t "$2"
            ln -s "$1/src/Cli/bin" "$2/src/Cli/bin"
            ln -s "$1/samples" "$2/samples"
            """,
            Root, folder);
        if (user is not null) await ShellAsync("chown -R -h \"$1:$1\" \"$2\"", string.Create(CultureInfo.InvariantCulture, $"{user}"), folder);
        var (code, _, error) = await copy.RunAsync("bash", "-c",
            """
            set -e
            cd "$1"
            repo=$1 needs_postgres=""
            . eng/steps.bash
            . eng/system.bash
            . eng/build.bash
            prepare_build
            stamp "$state/built" "$(build_key "${product_sources[@]}")"
            """,
            "bash", folder);
        code.ShouldBe(0, error);
        return copy;
    }

    /// <summary>The command is this script from now on.</summary>
    public void Replace(string script)
    {
        var bin = Path.Combine(Folder, "src/Cli/bin");
        File.Delete(bin);
        var command = Path.Combine(bin, "Release/net10.0/xinstruct");
        Directory.CreateDirectory(Path.GetDirectoryName(command)!);
        File.WriteAllText(command, "#!/bin/bash\n" + script);
        File.SetUnixFileMode(command, (UnixFileMode)0x1ED);
    }

    /// <summary>Runs the launcher to its end.</summary>
    public Task<(int Code, string Output, string Error)> LaunchAsync(params string[] args) => RunAsync([Path.Combine(Folder, "xinstruct"), .. args]);

    /// <summary>Starts the launcher in a process group of its own.</summary>
    public Process Start(IReadOnlyDictionary<string, string> environment, params string[] args) => Start(environment, "setsid", [Path.Combine(Folder, "xinstruct"), .. args]);

    public void Dispose()
    {
        if (Directory.Exists(Home)) LaunchAsync("down", "--purge").GetAwaiter().GetResult();
        Directory.Delete(Folder, recursive: true);
    }

    private async Task<(int Code, string Output, string Error)> RunAsync(params string[] command)
    {
        using var process = Start(new Dictionary<string, string>(), command[0], command[1..]);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }

    private Process Start(IReadOnlyDictionary<string, string> environment, string program, string[] args)
    {
        if (_user is { } user)
        {
            var id = user.ToString(CultureInfo.InvariantCulture);
            (program, args) = ("setpriv", ["--reuid", id, "--regid", id, "--clear-groups", "--", program, .. args]);
        }

        var start = new ProcessStartInfo(program, args) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        // What the test run itself was given is not the copy's.
        foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("XINSTRUCT_", StringComparison.Ordinal) || k == "TEMPORAL_STANDIN_DATABASE").ToList()) start.Environment.Remove(name);
        if (_user is not null) start.Environment["HOME"] = Folder;
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static async Task ShellAsync(string script, params string[] args)
    {
        var start = new ProcessStartInfo("bash", ["-c", script, "bash", .. args]) { UseShellExecute = false, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, await error);
    }
}
