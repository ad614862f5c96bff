using Npgsql;

namespace XInstruct.Activities.Storage;

/// <summary>A database that is away for a while, or that answered on a connection which broke, ends no work that is paid for.</summary>
public static class Outage
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(50), Longest = TimeSpan.FromSeconds(1);

    /// <summary>The first are soon, the others a second apart: a restart takes less.</summary>
    private const int Tries = 120;

    /// <summary>Asks the database, and asks again until it answers.</summary>
    /// <param name="ask">What it is asked; comes to the same when it is done twice.</param>
    /// <param name="ct">Ends the waiting.</param>
    /// <param name="tries">How often it is asked at most.</param>
    /// <exception cref="NpgsqlException">It is still away after all tries, by default for two minutes, or refuses.</exception>
    public static async Task<T> OutlastAsync<T>(Func<Task<T>> ask, CancellationToken ct, int tries = Tries)
    {
        for (var (left, pause) = (tries, First); ; left--)
        {
            try
            {
                return await ask();
            }
            catch (Exception e) when (left > 1 && IsAway(e))
            {
                await Task.Delay(pause, ct);
                pause = TimeSpan.FromTicks(Math.Min(Longest.Ticks, pause.Ticks * 2));
            }
        }
    }

    /// <inheritdoc cref="OutlastAsync{T}"/>
    public static Task OutlastAsync(Func<Task> ask, CancellationToken ct, int tries = Tries) => OutlastAsync(
        async () =>
        {
            await ask();
            return true;
        },
        ct,
        tries);

    /// <summary>Whether the database was away, or the connection broke; Marten puts such an exception into one of its own.</summary>
    public static bool IsAway(Exception? e)
    {
        for (; e is not null; e = e.InnerException)
        {
            if (e is NpgsqlException { IsTransient: true }) return true;
        }

        return false;
    }
}
