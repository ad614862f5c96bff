using System.Globalization;
using Npgsql;

namespace XInstruct.Cli.Hosting;

/// <summary>How far this machine's clock is from PostgreSQL's.</summary>
/// <param name="Ahead">Positive when this machine is ahead.</param>
/// <param name="Error">The true difference is within this of <paramref name="Ahead"/>: half of the quickest round trip.</param>
internal sealed record ClockSkew(TimeSpan Ahead, TimeSpan Error)
{
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(2);

    /// <summary>Whether it may be less than two seconds.</summary>
    public bool IsBearable => Ahead.Duration() - Error <= Most;

    /// <summary>Asks the server a few times and takes the quickest answer (Cristian 1989).</summary>
    /// <exception cref="NpgsqlException">The server does not answer.</exception>
    public static async Task<ClockSkew> MeasureAsync(string postgres, TimeProvider clock, CancellationToken ct)
    {
        const int questions = 5;
        await using var database = NpgsqlDataSource.Create(postgres);
        await using var connection = await database.OpenConnectionAsync(ct);
        var best = new ClockSkew(TimeSpan.Zero, TimeSpan.MaxValue);
        for (var i = 0; i < questions; i++)
        {
            await using var command = new NpgsqlCommand("select clock_timestamp()", connection);
            var (asked, began) = (clock.GetUtcNow(), clock.GetTimestamp());
            var theirs = (DateTime)(await command.ExecuteScalarAsync(ct))!;
            var half = clock.GetElapsedTime(began) / 2;
            if (half < best.Error) best = new ClockSkew(asked.UtcDateTime + half - theirs, half);
        }

        return best;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Math.Abs(Ahead.TotalSeconds):F3} s {(Ahead < TimeSpan.Zero ? "behind" : "ahead of")} PostgreSQL's (within {Error.TotalSeconds:F3} s)");
}
