using System.Runtime.CompilerServices;
using System.Text;
using System.Threading.Channels;

namespace XInstruct.Activities.Serving;

/// <summary>Several replies at once: they are written together, and their steps come as they are made.</summary>
internal static class Replying
{
    /// <summary>The steps of all replies. When one fails, or nobody reads on, all end.</summary>
    /// <param name="writer">What writes.</param>
    /// <param name="requests">The replies.</param>
    /// <param name="ct">Stops them.</param>
    public static async IAsyncEnumerable<(int Row, TextStep Step)> StepsAsync(
        ITextWriter writer, IReadOnlyList<TextRequest> requests, [EnumeratorCancellation] CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var steps = Channel.CreateUnbounded<(int Row, TextStep Step)>();
        var writing = Task.WhenAll(requests.Select((request, row) => WriteAsync(writer, request, row, steps.Writer, stop)))
            .ContinueWith(all => steps.Writer.Complete(all.Exception?.InnerException), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        try
        {
            await foreach (var step in steps.Reader.ReadAllAsync(ct)) yield return step;
        }
        finally
        {
            await stop.CancelAsync();
            await writing;
        }

        ct.ThrowIfCancellationRequested();
    }

    /// <summary>All replies, whole.</summary>
    public static async Task<IReadOnlyList<WholeReply>> AllAsync(ITextWriter writer, IReadOnlyList<TextRequest> requests, CancellationToken ct)
    {
        var replies = requests.Select(_ => new WholeReply()).ToList();
        await foreach (var (row, step) in StepsAsync(writer, requests, ct)) replies[row].Add(step);
        return replies;
    }

    private static async Task WriteAsync(ITextWriter writer, TextRequest request, int row, ChannelWriter<(int Row, TextStep Step)> steps, CancellationTokenSource stop)
    {
        try
        {
            await foreach (var step in writer.WriteAsync(request, stop.Token)) await steps.WriteAsync((row, step), CancellationToken.None);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            await stop.CancelAsync();
            throw;
        }
        catch (OperationCanceledException)
        {
            // Whoever cancelled knows.
        }
    }
}

/// <summary>A reply that is gathered.</summary>
internal sealed class WholeReply
{
    private readonly StringBuilder _text = new();

    /// <summary>Its text so far.</summary>
    public string Text => _text.ToString();

    /// <summary>Steps that have a token.</summary>
    public List<TextStep> Tokens { get; } = [];

    /// <summary>Tokens that were written, the one that ended it included.</summary>
    public int Count { get; private set; }

    /// <summary>Why it ended.</summary>
    public string Finish { get; private set; } = "stop";

    /// <summary>Adds a step.</summary>
    public void Add(TextStep step)
    {
        _text.Append(step.Text);
        if (step.Id is not null) Tokens.Add(step);
        Count += step.Written;
        Finish = step.Finish ?? Finish;
    }
}
