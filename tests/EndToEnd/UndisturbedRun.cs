using System.Text.Json;

// Two at once: most of a test is waiting, for processes that start, and for what was killed to be missed.
[assembly: CollectionBehavior(MaxParallelThreads = 2)]

namespace XInstruct.EndToEnd;

/// <summary>An event of a run in the order of commitment.</summary>
internal sealed record Committed(string Type, DateTime At)
{
    /// <summary>The stage that ends in an event of this type.</summary>
    public string Stage => Type switch
    {
        "run_started" => "start",
        "text_accepted" or "rows_rejected" => "ingest",
        "checkpoint_saved" => "train",
        "instruction_generated" or "instruction_revised" or "generation_failed" => "generate",
        "sample_rated" => "rate",
        "sample_kept" or "sample_rejected" or "iteration_completed" => "keep",
        "sample_selected" => "select",
        "release_sealed" => "release",
        "model_evaluated" => "evaluate",
        "run_completed" => "complete",
        _ => throw new InvalidOperationException($"Event type {Type} belongs to no stage that this test knows."),
    };
}

/// <summary>One run of tiny.yaml that nobody disturbed: what all others must end with.</summary>
public sealed class UndisturbedRun : IAsyncLifetime
{
    /// <summary>tiny.yaml ends within this many seconds on a machine that the promises are made for.</summary>
    private const double PromisedSeconds = 40;

    internal static readonly string Recipe = Path.Combine(Tests.SharedData.Root, "samples/recipes/tiny.yaml");

    /// <summary>Options that make a run short: one language, and models that are only just trained.</summary>
    internal static readonly string[] Small =
    [
        .. new[]
        {
            "languages=[sw]", "refine.iterations=0", "models.generator.sampling.maxNewTokens=8",
            "models.generator.maxTextTokens=32", "models.evaluator.maxTextTokens=32", "models.student.maxTextTokens=32",
            "models.generator.tuning.steps=4", "models.evaluator.tuning.steps=4", "models.student.tuning.steps=2",
        }.SelectMany(s => new[] { "--set", s }),
    ];

    /// <summary>Where it ran. A test that changes something there puts it back.</summary>
    internal ProductProcess Product { get; private set; } = null!;

    /// <summary>The last line of its output.</summary>
    internal JsonElement End { get; private set; }

    internal string Sha256 => End.GetProperty("release").GetProperty("sha256").GetString()!;

    /// <summary>When its process was started.</summary>
    internal DateTime Begun { get; private set; }

    internal IReadOnlyList<Committed> Events { get; private set; } = [];

    /// <summary>How many times slower than promised this machine is, now; 1 when it is not.</summary>
    internal double Slowness => Math.Max(1, End.GetProperty("seconds").GetDouble() / PromisedSeconds);

    public async Task InitializeAsync()
    {
        Product = await ProductProcess.CreateAsync();
        Begun = await Product.NowAsync();
        End = await FinishAsync(Product);
        Events = await Product.ReadAsync("select type, timestamp from xinstruct.mt_events order by seq_id", r => new Committed(r.GetString(0), r.GetDateTime(1)));
    }

    public async Task DisposeAsync() => await Product.DisposeAsync();

    /// <summary>Runs tiny.yaml to its end; the result is the last line of the output.</summary>
    internal static async Task<JsonElement> FinishAsync(ProductProcess product, params string[] options)
    {
        var (code, output, error) = await product.RunAsync(["run", Recipe, "--json", .. options]);
        code.ShouldBe(0, error + output);
        return JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement;
    }

    /// <summary>Same release, same counts; the chains are whole and nothing happened twice.</summary>
    internal async Task ShouldEqualAsync(ProductProcess product, JsonElement end)
    {
        end.GetProperty("release").GetProperty("sha256").GetString().ShouldBe(Sha256);
        end.GetProperty("samples").GetRawText().ShouldBe(End.GetProperty("samples").GetRawText());
        (await product.CountEventsAsync()).ShouldBe(Events.Count);
        var twice = await product.ReadAsync(
            """
            select stream_id || ' ' || type || ' ' || count(*) from xinstruct.mt_events
            group by stream_id, type, data ->> 'iteration', data ->> 'shard', data ->> 'key' having count(*) > 1
            """,
            r => r.GetString(0));
        twice.ShouldBeEmpty();
        var audit = await product.RunAsync("audit", "verify");
        audit.Code.ShouldBe(0, audit.Output);
    }
}

/// <summary>Tests that share the undisturbed run.</summary>
[CollectionDefinition(Name)]
public sealed class TinyRuns : ICollectionFixture<UndisturbedRun>
{
    public const string Name = "tiny.yaml";
}
