using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using XInstruct.Domain.Deduplication;
using XInstruct.Tests;

namespace XInstruct.Domain.Tests.Deduplication;

public sealed class MinHashTests
{
    private const string Golden = "golden/clustering/minhash.json";

    [SharedFact(Golden)]
    public void Shingles_GoldenPairs_HaveTheExactJaccard()
    {
        foreach (var pair in Read().GetProperty("pairs").EnumerateArray())
        {
            var (a, b) = (MinHash.Shingles(pair.GetProperty("a").GetString()!), MinHash.Shingles(pair.GetProperty("b").GetString()!));
            var expected = pair.GetProperty("char5");
            a.Count.ShouldBe(expected.GetProperty("size_a").GetInt32());
            b.Count.ShouldBe(expected.GetProperty("size_b").GetInt32());
            a.Intersect(b, StringComparer.Ordinal).Count().ShouldBe(expected.GetProperty("intersection").GetInt32());
        }
    }

    [SharedFact(Golden)]
    public void Signature_GoldenTexts_AreThoseOfDatasketch()
    {
        var golden = Read();
        ulong[] Numbers(string name) => [.. golden.GetProperty("minhash").GetProperty(name).EnumerateArray().Select(n => ulong.Parse(n.GetString()!, CultureInfo.InvariantCulture))];
        var minHash = new MinHash(Numbers("a"), Numbers("b"));
        foreach (var row in golden.GetProperty("minhash_signatures").EnumerateArray())
        {
            // The reference hashes shingles with SHA-1 and keeps the first four bytes, little-endian.
            var hashes = MinHash.Shingles(row.GetProperty("text").GetString()!).Select(s => BinaryPrimitives.ReadUInt32LittleEndian(SHA1.HashData(Encoding.UTF8.GetBytes(s)))).ToArray();
            minHash.Signature(hashes).ShouldBe(row.GetProperty("signature").EnumerateArray().Select(n => n.GetUInt32()));
        }
    }

    [SharedFact(Golden)]
    public void Optimal_GoldenThresholds_GiveTheSameBandsAndRows()
    {
        foreach (var row in Read().GetProperty("lsh_optimal_params").EnumerateArray())
        {
            LshParameters.Optimal(row.GetProperty("threshold").GetDouble(), row.GetProperty("num_perm").GetInt32())
                .ShouldBe((row.GetProperty("bands").GetInt32(), row.GetProperty("rows").GetInt32()));
        }
    }

    [Fact]
    public void Add_CopyUpToWhiteSpace_IsAnExactDuplicateOfTheFirst()
    {
        using var finder = new NearDuplicateFinder(0.8, () => new MemoryStream());
        finder.Add(0, TextSketch.Of("Leo tunapika wali wa nazi kwa familia nzima.")).ShouldBeNull();
        finder.Add(1, TextSketch.Of("\uFEFFLeo  tunapika wali\nwa nazi kwa familia nzima. ")).ShouldBe(new Duplicate(0, true));
        finder.Add(2, TextSketch.Of("Kesho tutacheza mpira uwanjani pamoja na marafiki.")).ShouldBeNull();
    }

    [Fact]
    public void Add_FewWordsChanged_IsANearDuplicateAndAnotherTextIsNot()
    {
        var text = string.Join(' ', Enumerable.Range(0, 60).Select(i => $"neno{i * 37 % 101}"));
        using var finder = new NearDuplicateFinder(0.7, () => new MemoryStream());
        finder.Add(10, TextSketch.Of(text)).ShouldBeNull();
        finder.Add(11, TextSketch.Of(text.Replace("neno37", "tofauti", StringComparison.Ordinal))).ShouldBe(new Duplicate(10, false));
        finder.Add(12, TextSketch.Of(string.Join(' ', Enumerable.Range(0, 60).Select(i => $"kitu{i * 31 % 103}")))).ShouldBeNull();
    }

    private static JsonElement Read() => JsonDocument.Parse(File.ReadAllText(Path.Combine(SharedData.Folder, Golden))).RootElement;
}
