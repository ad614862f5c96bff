using XInstruct.Activities.Audit;
using XInstruct.Domain.Runs;

namespace XInstruct.Activities.Truth;

/// <summary>What became of one accepted text.</summary>
/// <param name="Language">Language code.</param>
/// <param name="Row">0-based row in the corpus file.</param>
/// <param name="Key">The row's own id.</param>
public sealed record TextHistory(string Language, long Row, string? Key)
{
    /// <summary>Hash of the text.</summary>
    public string Text { get; init; } = "";

    /// <summary>Iteration at whose end the pair was kept.</summary>
    public int? Kept { get; set; }

    /// <summary>Hash of the instruction that each iteration wrote.</summary>
    public SortedDictionary<int, string> Instructions { get; } = [];

    /// <summary>The instruction that stood at the end of an iteration.</summary>
    public string? InstructionAt(int iteration) => Instructions.LastOrDefault(i => i.Key <= iteration).Value;
}

/// <summary>What a run's events say of its texts and of the rows it rejected.</summary>
/// <param name="Texts">Accepted texts.</param>
/// <param name="Rejected">Reason of each rejected row, by language and row number.</param>
public sealed record RunHistory(IReadOnlyList<TextHistory> Texts, IReadOnlyDictionary<(string Language, long Row), string> Rejected)
{
    /// <summary>Reads the events of a run.</summary>
    public static async Task<RunHistory> ReadAsync(Run run, EventLog log, CancellationToken ct)
    {
        var texts = new Dictionary<Guid, TextHistory>();
        var rejected = new Dictionary<(string, long), string>();
        await foreach (var e in log.ReadAsync(run.Name, ct))
        {
            string Text(string name) => e.Data.GetProperty(name).GetString()!;
            switch (e.Type)
            {
                case "text_accepted":
                    texts[e.Stream] = new TextHistory(Text("language"), e.Data.GetProperty("row").GetInt64(), e.Data.TryGetProperty("key", out var key) ? key.GetString() : null) { Text = Text("text") };
                    break;
                case "instruction_generated" or "instruction_revised" when texts.TryGetValue(e.Stream, out var text):
                    text.Instructions[e.Data.GetProperty("iteration").GetInt32()] = Text("instruction");
                    break;
                case "sample_kept" when texts.TryGetValue(e.Stream, out var text):
                    text.Kept = e.Data.GetProperty("iteration").GetInt32();
                    break;
                case "rows_rejected":
                    foreach (var row in e.Data.GetProperty("rows").EnumerateArray())
                    {
                        rejected[(Text("language"), row.GetProperty("row").GetInt64())] = row.GetProperty("reason").GetString()!;
                    }

                    break;
                default: break;
            }
        }

        return new RunHistory([.. texts.Values], rejected);
    }
}
