using System.Buffers.Binary;
using System.Diagnostics;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace XInstruct.Training.Tests.Checkpoints;

/// <summary>Damaged files give an error with a message: no crash, no hang, no memory beyond twice the file.</summary>
public sealed class HostileFileTests(ITestOutputHelper output) : IDisposable
{
    // What an exception with its message and stack and a reader's buffers take, whatever the file.
    private const long Overhead = 512 << 10;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("xi-hostile");

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("config.json")]
    [InlineData("model.safetensors.index.json")]
    [InlineData("generation_config.json")]
    public void Load_DamagedFile_IsRefusedOrRead(string name)
    {
        using (var model = TestModels.Tiny()) Checkpoint.Save(model, _folder.FullName, name.Contains("index", StringComparison.Ordinal) ? 4_000 : long.MaxValue);
        var path = Path.Combine(_folder.FullName, name);
        var good = File.ReadAllBytes(path);
        var (refused, slowest, largest) = (0, TimeSpan.Zero, 0L);
        for (var seed = 0; seed < Mutation.Count; seed++)
        {
            var bytes = Mutation.Of(good, seed);
            File.WriteAllBytes(path, bytes);
            var clock = Stopwatch.StartNew();
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Checkpoint.Check(_folder.FullName);
                // Made only now, so that it does not count: the model is as large as the tensors.
                before = GC.GetAllocatedBytesForCurrentThread();
                Checkpoint.Load(_folder.FullName, CPU).Dispose();
            }
            catch (Exception e) when (e is CheckpointException or ModelConfigException)
            {
                e.Message.Length.ShouldBeGreaterThan(path.Length - name.Length);
                refused++;
            }

            largest = Math.Max(largest, GC.GetAllocatedBytesForCurrentThread() - before - (2L * bytes.Length));
            slowest = clock.Elapsed > slowest ? clock.Elapsed : slowest;
        }

        output.WriteLine($"{name}: {refused} of {Mutation.Count} refused; slowest {slowest.TotalMilliseconds:F0} ms; {largest} bytes above twice the file");
        largest.ShouldBeLessThan(Overhead);
        slowest.ShouldBeLessThan(TimeSpan.FromSeconds(5));
        refused.ShouldBeGreaterThan(name == "generation_config.json" ? -1 : Mutation.Count / 20);
    }

    [Fact]
    public void ReadHeader_HugeHeader_IsRefusedUnread()
    {
        var path = Path.Combine(_folder.FullName, "huge");
        using (var file = File.Create(path))
        {
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, 100_000_000);
            file.Write(length);
            file.SetLength(100_000_008);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        Should.Throw<CheckpointException>(() => Safetensors.ReadHeader(path)).Message.ShouldContain("at most");
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(Overhead);
    }

    [Fact]
    public void Load_ConfigAsksForFarMoreThanTheFileHolds_AllocatesNothing()
    {
        using (var model = TestModels.Tiny())
        {
            Checkpoint.Save(model, _folder.FullName);
            var wide = model.Config with { HiddenSize = 1 << 20, Heads = 1 << 10, KeyValueHeads = 1 << 10, HeadSize = 1 << 10, IntermediateSize = 1 << 20, Layers = 4096, VocabularySize = 1 << 20 };
            File.WriteAllText(Path.Combine(_folder.FullName, "config.json"), wide.ToJson());
        }

        var before = Environment.WorkingSet;
        Should.Throw<CheckpointException>(() => Checkpoint.Load(_folder.FullName, CPU)).TensorNames.Count.ShouldBeGreaterThan(4096);
        (Environment.WorkingSet - before).ShouldBeLessThan(200L << 20);
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
