using System.Globalization;
using System.Threading.Channels;
using Npgsql;
using Temporalio.Exceptions;
using XInstruct.Activities.Monitoring;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;
using XInstruct.Workflows;

namespace XInstruct.Activities.Endpoints;

/// <summary>A row and what its call came to in the end.</summary>
/// <param name="Row">The row.</param>
/// <param name="Outcome">A <see cref="ChatReply"/> or a <see cref="ChatRefusal"/>.</param>
/// <param name="Paid">Its reservation and cost.</param>
public sealed record Answered<T>(T Row, ChatOutcome Outcome, PaidCall Paid);

/// <summary>
/// Makes the calls of a shard. Each row waits for a slot, its moment and its money, is asked, and keeps the slot until its result is committed, so a
/// killed worker loses at most the calls under way. A row without a reply goes to the back of the queue; when one thing stops the run, what is under way
/// is still committed.
/// </summary>
public sealed class ShardCalls(EndpointPool pool, RateLimits rates, EndpointTroubles troubles, BudgetBook budget, TimeProvider clock)
{
    /// <summary>Calls under way when a worker is told to stop may still end in this time.</summary>
    private static readonly TimeSpan LastCalls = TimeSpan.FromSeconds(5);

    /// <summary>A call that only came too early is no sign that the row is bad.</summary>
    private const double EarlyTry = 0.1;

    /// <summary>A call that begins so soon after its leave is not late.</summary>
    private static readonly TimeSpan Punctual = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// So long a call waits for money that others may leave, and then its shard comes again later: what is reserved may be of a shard whose worker was
    /// killed and which waits for a place among those that this worker does at once.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Asks for all rows.</summary>
    /// <param name="scope">What the calls are for.</param>
    /// <param name="settings">The endpoint.</param>
    /// <param name="rows">Rows, in sample order.</param>
    /// <param name="ask">The call of a row. Pure.</param>
    /// <param name="group">Results in one transaction, at most.</param>
    /// <param name="commit">Writes results and settles their calls.</param>
    /// <param name="ct">Ends the shard.</param>
    /// <exception cref="ApplicationFailureException">The endpoint cannot be used, or the budget is spent; or it is reserved by others and the shard is to come again.</exception>
    public async Task RunAsync<T>(
        CallScope scope, EndpointSettings settings, IReadOnlyList<T> rows, Func<T, ChatRequest> ask, int group, Func<IReadOnlyList<Answered<T>>, CancellationToken, Task> commit, CancellationToken ct)
    {
        await Outage.OutlastAsync(() => budget.EndWorkAsync(scope, ct), ct);
        using var admission = CancellationTokenSource.CreateLinkedTokenSource(ct);
        using var last = new CancellationTokenSource();
        await using var registration = ct.Register(() => last.CancelAfter(LastCalls));
        var use = pool.Use(settings);
        var results = Channel.CreateUnbounded<(Answered<T> Answered, TaskCompletionSource Committed)>();
        var committing = CommitAsync(results.Reader, group, commit, last.Token);
        var serving = rows.Select(row => ServeAsync(row)).ToList();
        // What went wrong is told once everything under way has ended.
        await ((Task)Task.WhenAll(serving)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        results.Writer.Complete();
        await committing;
        ct.ThrowIfCancellationRequested();
        if (serving.Select(s => s.Exception?.InnerException).OfType<ApplicationFailureException>().MaxBy(e => e.NonRetryable) is { } stopped) throw stopped;
        await Task.WhenAll(serving);

        async Task ServeAsync(T row)
        {
            try
            {
                await new Row<T>(this, use, scope, ask(row), last.Token).ServeAsync(row, results.Writer, admission.Token);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                await admission.CancelAsync();
                throw;
            }
        }
    }

    private static async Task CommitAsync<T>(
        ChannelReader<(Answered<T> Answered, TaskCompletionSource Committed)> reader, int most, Func<IReadOnlyList<Answered<T>>, CancellationToken, Task> commit, CancellationToken ct)
    {
        var group = new List<(Answered<T> Answered, TaskCompletionSource Committed)>();
        while (await reader.WaitToReadAsync(CancellationToken.None))
        {
            // Whatever came while the last group was written makes the next one.
            while (group.Count < most && reader.TryRead(out var next)) group.Add(next);
            try
            {
                await Outage.OutlastAsync(() => commit([.. group.Select(g => g.Answered)], ct), ct);
                foreach (var (_, committed) in group) committed.SetResult();
            }
            catch (Exception e)
            {
                foreach (var (_, committed) in group) committed.SetException(e);
            }

            group.Clear();
        }
    }

    /// <summary>One row on its way to a result.</summary>
    private sealed class Row<T>(ShardCalls calls, EndpointUse use, CallScope scope, ChatRequest request, CancellationToken last)
    {
        private double _tried;

        public async Task ServeAsync(T row, ChannelWriter<(Answered<T>, TaskCompletionSource)> results, CancellationToken admission)
        {
            TimeSpan? pause;
            do
            {
                if (!await use.Gate.EnterAsync(admission)) throw Nobody(use, scope.Run);
                try
                {
                    pause = await TryAsync(row, results, admission);
                }
                finally
                {
                    use.Gate.Leave();
                }

                if (pause is { Ticks: > 0 } wait) await Task.Delay(wait, calls.Clock, admission);
            }
            while (pause is not null);
        }

        /// <summary>One call. Null when the row has its result, else how long to wait before the next call.</summary>
        private async Task<TimeSpan?> TryAsync(T row, ChannelWriter<(Answered<T>, TaskCompletionSource)> results, CancellationToken admission)
        {
            var thought = use.Likely(request);
            var (ticket, left) = await calls.TurnAsync(use, thought, admission);
            var reserved = await calls.ReserveAsync(scope, use.Settings.Price.Of(request.TokensAtMost, request.MaxTokens), admission);
            var began = calls.Clock.GetUtcNow();
            var asking = use.Chat.AskAsync(request, last);
            if (calls.Clock.GetElapsedTime(left) is var late && late > Punctual) await CountAsync(calls.Rates.DelayAsync(use.RateName, ticket, late, last));
            var outcome = await asking;
            Instruments.Called(scope.Stage, use.Settings.Model, Word(outcome), calls.Clock.GetUtcNow() - began);
            await CountAsync(calls.TellAsync(use, outcome, last));
            switch (outcome)
            {
                case ChatStop stop:
                    await ReleaseAsync(reserved, stop.Tokens is var (spentIn, spentOut) ? use.Settings.Price.Of(spentIn, spentOut) : 0);
                    throw new ApplicationFailureException(stop.Message, errorType: FailureTypes.EndpointUnusable, nonRetryable: true);
                case ChatMiss miss:
                    // Says nothing of the row, so it takes none of its tries.
                    var wasLast = use.Gate.Missed(began);
                    await ReleaseAsync(reserved, 0);
                    return wasLast ? throw Nobody(use, scope.Run, miss) : TimeSpan.Zero;
                case ChatFailure failure:
                    // A reply that is of no use is none of an overloaded endpoint.
                    if (failure.Tokens is null) use.Gate.Failed(began, failure.IsEarly);
                    else use.Gate.Succeeded();
                    await ReleaseAsync(reserved, failure.MayBePaid ? null : failure.Tokens is var (took, gave) ? use.Settings.Price.Of(took, gave) : 0);
                    if (failure.IsEarly || failure.RetryAfter is not null)
                    {
                        await Outage.OutlastAsync(() => calls.Rates.PauseAsync(use.RateName, ticket, failure.RetryAfter, failure.IsEarly, last), last);
                    }

                    _tried += failure.IsEarly ? EarlyTry : 1;
                    if (_tried < use.Settings.Tries - (EarlyTry / 2)) return Backoff(failure);
                    Instruments.RowFailed(scope.Stage, failure.Reason);
                    await CommitAsync(row, new ChatRefusal(failure.Reason), new PaidCall(null, default), results);
                    return null;
                default:
                    Moments.Reached(Moments.Reply);
                    use.Gate.Succeeded();
                    var (read, written) = outcome is ChatReply reply ? (reply.TokensIn, reply.TokensOut) : outcome is ChatRefusal refusal ? (refusal.TokensIn, refusal.TokensOut) : (0, 0);
                    if (outcome is ChatReply) use.Learn(request, read, written);
                    if (outcome is ChatRefusal { Reason: var why }) Instruments.RowFailed(scope.Stage, why);
                    await CommitAsync(row, outcome, new PaidCall(reserved, new Cost(read, written, use.Settings.Price.Of(read, written))), results);
                    await CountAsync(calls.Rates.CorrectAsync(use.RateName, use.Settings, thought, read + written, last));
                    return null;
            }
        }

        private Task ReleaseAsync(Guid reserved, decimal? paid) => Outage.OutlastAsync(() => calls.Budget.ReleaseAsync(reserved, paid, last), last);

        /// <summary>The pace is an estimate: no call ends for the lack of it.</summary>
        private static async Task CountAsync(Task counting)
        {
            try
            {
                await counting;
            }
            catch (NpgsqlException)
            {
                // The store is away; who takes the next moment waits for it.
            }
        }

        private static async Task CommitAsync(T row, ChatOutcome outcome, PaidCall paid, ChannelWriter<(Answered<T>, TaskCompletionSource)> results)
        {
            var committed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await results.WriteAsync((new Answered<T>(row, outcome, paid), committed), CancellationToken.None);
            await committed.Task;
        }

        // Spread, so that rows that failed together do not come again together.
        private TimeSpan Backoff(ChatFailure failure) =>
            failure.Tokens is not null ? TimeSpan.Zero : failure.RetryAfter ?? TimeSpan.FromSeconds(Math.Min(30, 0.25 * Math.Pow(2, Math.Min(10, _tried))) * (0.5 + Random.Shared.NextDouble()));
    }

    private static string Word(ChatOutcome outcome) => outcome switch
    {
        ChatReply => "reply",
        ChatRefusal => "refused",
        ChatFailure { IsEarly: true } => "early",
        ChatMiss => "unreached",
        ChatStop => "unusable",
        _ => "failed",
    };

    /// <summary>Those who look at the run from elsewhere should know why it waits, and when it does no longer.</summary>
    private async Task TellAsync(EndpointUse use, ChatOutcome outcome, CancellationToken ct)
    {
        switch (outcome)
        {
            case ChatMiss miss:
                use.IsInTrouble = true;
                await troubles.ReportAsync(use.Settings, null, miss.Cause, ct);
                break;
            case ChatFailure { IsEarly: true } or ChatFailure { RetryAfter: not null }:
                use.IsInTrouble = true;
                var failure = (ChatFailure)outcome;
                await troubles.ReportAsync(use.Settings, failure.RetryAfter ?? TimeSpan.FromSeconds(1), failure.IsEarly ? "429, too many requests" : failure.Reason, ct);
                break;
            case ChatReply or ChatRefusal when use.IsInTrouble:
                use.IsInTrouble = false;
                await troubles.ClearAsync(use.Settings, ct);
                break;
        }
    }

    private RateLimits Rates => rates;

    private BudgetBook Budget => budget;

    private TimeProvider Clock => clock;

    /// <summary>Waits for the call's moment, and anew when the endpoint asked to be left alone in the meantime.</summary>
    /// <returns>Its leave, and when it asked for that by this machine's clock.</returns>
    private async Task<(RateTicket Ticket, long Left)> TurnAsync(EndpointUse use, long tokens, CancellationToken ct)
    {
        var ticket = RateTicket.None;
        while (true)
        {
            TimeSpan wait;
            await use.Turn.WaitAsync(ct);
            try
            {
                var before = ticket;
                (ticket, wait) = await Outage.OutlastAsync(() => rates.TakeAsync(use.RateName, use.Settings, tokens, before, ct), ct);
                if (wait > EndpointUse.Near) await Task.Delay(wait - EndpointUse.Near, clock, ct);
            }
            finally
            {
                use.Turn.Release();
            }

            TimeSpan? rest = wait < EndpointUse.Near ? wait : EndpointUse.Near;
            long left;
            do
            {
                await Task.Delay(rest.Value, clock, ct);
                left = clock.GetTimestamp();
                var due = ticket;
                (rest, ticket) = await Outage.OutlastAsync(() => rates.LeaveAsync(use.RateName, due, ct), ct);
            }
            while (rest > TimeSpan.Zero);

            if (rest is not null) return (ticket, left);
        }
    }

    /// <summary>Waits while calls under way may yet leave enough of the budget.</summary>
    private async Task<Guid> ReserveAsync(CallScope scope, decimal usd, CancellationToken ct)
    {
        var (call, began) = (Guid.NewGuid(), clock.GetTimestamp());
        while (true)
        {
            if (await Outage.OutlastAsync(() => budget.ReserveAsync(call, scope, usd, ct), ct)) return call;
            var state = await Outage.OutlastAsync(() => budget.StateAsync(scope.Run, ct), ct);
            if (state.Cap is { } cap && state.Reserved == 0 && state.Spent + state.Assumed + usd > cap) throw Spent(scope.Run, state, usd);
            if (clock.GetElapsedTime(began) > Patience) throw new ApplicationFailureException($"{scope.Run} waits for calls under way, which may leave enough of the budget.", errorType: "BudgetReserved");
            await Task.Delay(TimeSpan.FromMilliseconds(100), clock, ct);
        }
    }

    private static ApplicationFailureException Nobody(EndpointUse use, string run, ChatMiss? miss = null) => new(
        $"Nobody answers at {use.Settings.BaseUrl} (model {use.Settings.Model}){(miss is null ? "" : $": {miss.Cause}")}. Start the endpoint, or set api.baseUrl to where it is. " +
        $"Nothing is lost: start the same command again, and {run} goes on and asks only for what it has not heard.",
        errorType: FailureTypes.EndpointUnusable,
        nonRetryable: true);

    private static ApplicationFailureException Spent(string run, BudgetState state, decimal usd)
    {
        var unanswered = state.Assumed > 0 ? $" and {Dollars(state.Assumed)} for calls whose reply never came" : "";
        return new ApplicationFailureException(
            $"The budget of {Dollars(state.Cap!.Value)} is used up: {Dollars(state.Spent)} is paid{unanswered}, and the next call may cost {Dollars(usd)}. " +
            $"Nothing is lost: start the same command with a higher budget, for instance --set budget.usd={(state.Cap.Value * 2).ToString("0.####", CultureInfo.InvariantCulture)}, and run {run} goes on.",
            errorType: FailureTypes.BudgetSpent,
            nonRetryable: true);
    }

    private static string Dollars(decimal usd) => "$" + usd.ToString("0.00####", CultureInfo.InvariantCulture);
}
