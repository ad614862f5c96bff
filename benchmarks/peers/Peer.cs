using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace XInstruct.Benchmarks;

/// <summary>What a peer did.</summary>
/// <param name="Seconds">Time without loading.</param>
/// <param name="Ids">Generated ids of each prompt.</param>
/// <param name="Losses">Loss of each step.</param>
/// <param name="Torch">Its version of PyTorch.</param>
/// <param name="Memory">Most bytes on its GPU; 0 on a CPU.</param>
internal sealed record PeerResult(double Seconds, int[][]? Ids, double[]? Losses, string Torch, long Memory);

/// <summary>decoder.py in a process of its own, with the same weights and as many threads. PYTHON names the interpreter.</summary>
internal sealed class Peer : IDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };
    private readonly Process _process;

    public Peer(string folder, int threads, string device = "cpu", string type = "float32")
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("PYTHON") ?? "/usr/bin/python3")
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        foreach (var word in (string[])[Path.Combine(Repository, "benchmarks", "peers", "decoder.py"), folder, $"{threads}", device, type]) start.ArgumentList.Add(word);
        // As the product sets it for itself.
        start.Environment["OMP_WAIT_POLICY"] = Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") ?? "PASSIVE";
        _process = Process.Start(start) ?? throw new InvalidOperationException("The peer did not start.");
    }

    public static string Repository
    {
        get
        {
            var folder = AppContext.BaseDirectory;
            while (!File.Exists(Path.Combine(folder, "XInstruct.sln"))) folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("Not inside the repository.");
            return folder;
        }
    }

    public PeerResult Generate(int[][] prompts, int count) => Do(new { Do = "generate", Prompts = prompts, New = count });

    public PeerResult Train(int[][][] batches, double rate, int rank) => Do(new { Do = "train", Batches = batches, Rate = rate, Rank = rank });

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private PeerResult Do<T>(T job)
    {
        _process.StandardInput.WriteLine(JsonSerializer.Serialize(job, Json));
        _process.StandardInput.Flush();
        var line = _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The peer ended: it needs torch (Debian: python3-torch), or PYTHON with it.");
        return JsonSerializer.Deserialize<PeerResult>(line, Json)!;
    }
}
