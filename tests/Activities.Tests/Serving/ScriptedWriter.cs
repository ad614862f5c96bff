using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using XInstruct.Activities.Serving;

namespace XInstruct.Activities.Tests.Serving;

/// <summary>Writes by heart: a step for each character of its reply, after a pause that a test may hold.</summary>
internal sealed class ScriptedWriter : ITextWriter
{
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What it writes for a request.</summary>
    public Func<TextRequest, string> Reply { get; set; } = _ => "Habari";

    /// <summary>Waited for before each character.</summary>
    public Func<CancellationToken, Task> Pause { get; set; } = _ => Task.CompletedTask;

    /// <summary>Thrown in place of the character of this number.</summary>
    public (int At, Exception Error)? Failure { get; set; }

    /// <summary>Requests that came.</summary>
    public ConcurrentQueue<TextRequest> Requests { get; } = [];

    /// <summary>Ends when somebody stopped a reply.</summary>
    public Task FirstStop => _stopped.Task;

    public async IAsyncEnumerable<TextStep> WriteAsync(TextRequest request, [EnumeratorCancellation] CancellationToken ct)
    {
        Requests.Enqueue(request);
        await using var registration = ct.Register(() => _stopped.TrySetResult());
        var reply = Reply(request);
        for (var i = 0; i < reply.Length && i < request.MaxNewTokens; i++)
        {
            await Pause(ct);
            ct.ThrowIfCancellationRequested();
            if (Failure is { } failure && failure.At == i) throw failure.Error;
            TokenChance[] alternatives = [new(reply[i], -0.5), new('x', -1), new('y', double.NegativeInfinity)];
            yield return new TextStep(reply[i], reply[i].ToString(), -0.5, [.. alternatives.Take(request.Alternatives)], null);
        }

        yield return new TextStep(null, "", 0, [], reply.Length < request.MaxNewTokens ? "stop" : "length", reply.Length < request.MaxNewTokens ? 1 : 0);
    }
}
