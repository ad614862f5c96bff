// Samples a second of the whole loop (ingest, generate, rate, keep, release; four events a sample) with models that answer at once, beside the same
// events through the write helper alone; and what grows with the number of samples: bytes of database a sample, the worker's memory, and how long workers
// take to write their first event after they were stopped half-way. One iteration, one language, shards of 256.
// XINSTRUCT_POSTGRES="$(eng/postgres start)" dotnet run -c Release --project benchmarks/loop [-- SAMPLES ...]
using System.Globalization;
using XInstruct.Benchmarks.Loop;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
int[] counts = args.Length > 0 ? [.. args.Select(a => int.Parse(a, CultureInfo.InvariantCulture))] : [10_000];
foreach (var count in counts)
{
    await using var loop = await MeasuredLoop.CreateAsync(count);
    var whole = await loop.RunAsync();
    var (bytes, engine) = await loop.BytesAsync();
    Console.WriteLine($"{count} samples: whole loop {count / whole.Seconds:N0} samples/s; {bytes / count:N0} bytes of events and contents and {engine / count:N0} of workflows a sample; "
        + $"memory {whole.PeakMiB:N0} MiB at most; first event {whole.Resume:F1} s after a stop");
    var helper = await loop.WriteAloneAsync();
    Console.WriteLine($"{count} samples: write helper alone {count / helper:N0} samples/s, ratio {helper / whole.Seconds:F2}");
}
