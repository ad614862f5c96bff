using Temporalio.Client;
using Temporalio.Exceptions;

namespace XInstruct.Activities.Reports;

/// <summary>How a run, a job, a chain or a training stands.</summary>
public static class WorkState
{
    /// <summary>Status of its workflow, and the work as its events left it then or later: whoever reads that it has completed finds what it came to.</summary>
    /// <param name="client">Client of the engine.</param>
    /// <param name="name">Its id.</param>
    /// <param name="work">The work as it was read before.</param>
    /// <param name="hasEnded">Whether its events say that it has.</param>
    /// <param name="read">Reads it again.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>The work; running, completed, failed, …, or unknown; seconds since its start, or from there to its end.</returns>
    public static async Task<(T Work, string Status, double Seconds)> ReadAsync<T>(
        ITemporalClient client, string name, T work, Func<T, bool> hasEnded, Func<string, CancellationToken, Task<T?>> read, CancellationToken ct)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(hasEnded);
        ArgumentNullException.ThrowIfNull(read);
        try
        {
            var description = await client.GetWorkflowHandle(name).DescribeAsync(new() { Rpc = new RpcOptions { CancellationToken = ct } });
            var seconds = ((description.CloseTime ?? DateTime.UtcNow) - description.StartTime).TotalSeconds;
            // It may have ended since it was read.
            if (!hasEnded(work)) work = await read(name, ct) ?? work;
            return (work, description.Status.ToString().ToLowerInvariant(), seconds);
        }
        catch (RpcException e) when (e.Code == RpcException.StatusCode.NotFound)
        {
            return (work, hasEnded(work) ? "completed" : "unknown", 0);
        }
    }
}
