using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using XInstruct.Cli.Chaos;
using XInstruct.EndToEnd.Endpoints;

namespace XInstruct.EndToEnd;

/// <summary>
/// What <c>./xinstruct test --faults SEED</c> does to all of these tests: of the prompts of every endpoint one in twenty meets a fault first, replies that are lost after the
/// work among them, and of the writes and commits of every command one in a hundred loses its connection instead of being answered. Every test must pass as it does without.
/// </summary>
internal static class FaultInjection
{
    private const double PromptShare = 0.05;
    private const double AnswerShare = 0.01;

    private static readonly Fault[] Kinds = [Fault.Early, Fault.Error, Fault.Cut, Fault.Lose];

    /// <summary>A command that found no PostgreSQL at its start is started again, so often.</summary>
    public const int Starts = 20;

    /// <summary>Seed; null when nothing is to go wrong.</summary>
    public static int? Seed { get; } = int.TryParse(Environment.GetEnvironmentVariable("XINSTRUCT_TEST_FAULTS"), CultureInfo.InvariantCulture, out var seed) ? seed : null;

    /// <summary>The way to a server that loses answers; null when nothing is to go wrong.</summary>
    public static PostgresRelay? Relay(string server) => Seed is { } seed ? new PostgresRelay(server, seed) { Losses = AnswerShare } : null;

    /// <summary>What a prompt's first request meets.</summary>
    public static Fault Of(string prompt)
    {
        if (Seed is null) return Fault.None;
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{Seed} {prompt}")));
        return BitConverter.ToUInt32(hash) < PromptShare * uint.MaxValue ? Kinds[hash[4] % Kinds.Length] : Fault.None;
    }
}
