using FsCheck;
using FsCheck.Fluent;
using XInstruct.Domain.Deduplication;
using XInstruct.Domain.Statistics;

namespace XInstruct.Domain.Tests.Deduplication;

public sealed class NearDuplicateFinderTests
{
    [Fact]
    public void Signature_AnyLength_IsWhatTheFormulaSays()
    {
        ulong[] a = [1, 2, (1UL << 61) - 2, 775169054918279404], b = [0, (1UL << 61) - 2, 5, 1758426461858698312];
        var minHash = new MinHash(a, b);
        Prop.ForAll(ArbMap.Default.ArbFor<uint[]>(), hashes =>
        {
            uint[] many = [.. hashes, .. hashes.Select(h => h * 2654435761u), .. hashes.Select(h => ~h), uint.MaxValue, 0];
            var expected = a.Zip(b, (x, y) => many.Min(h => (uint)(unchecked((x * h) + y) % ((1UL << 61) - 1))));
            return minHash.Signature(many).SequenceEqual(expected);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
        minHash.Signature([]).ShouldAllBe(v => v == uint.MaxValue);
    }

    // Worked out with Python from SHA-256, SplitMix64 and xoshiro256** as written in their papers.
    [Fact]
    public void Default_Coefficients_NeverChange() => MinHash.Default.Signature([1, 2, 3]).Take(4).ShouldBe(Pinned);

    [Fact]
    public void Similarity_EditedTexts_EstimatesTheJaccardIndex()
    {
        var random = new DeterministicRandom("estimates");
        var errors = new List<double>();
        for (var i = 0; i < 200; i++)
        {
            var words = Enumerable.Range(0, 80).Select(_ => $"w{random.Next(5000)}").ToArray();
            var edited = words.Select(w => random.Next(100) < i % 20 ? $"e{random.Next(5000)}" : w).ToArray();
            var (x, y) = (string.Join(' ', words), string.Join(' ', edited));
            HashSet<string> s = MinHash.Shingles(x), t = MinHash.Shingles(y);
            var exact = (double)s.Count(t.Contains) / s.Union(t, StringComparer.Ordinal).Count();
            errors.Add(TextSketch.Of(x).Similarity(TextSketch.Of(y)) - exact);
        }

        Math.Abs(errors.Average()).ShouldBeLessThan(0.01);
        Math.Sqrt(errors.Average(e => e * e)).ShouldBeLessThan(0.045);
    }

    [Fact]
    public void Add_ThreeOfAKind_AllPointToTheFirst()
    {
        using var finder = new NearDuplicateFinder(0.7, () => new MemoryStream());
        var text = Words("kind", 60);
        finder.Add(5, TextSketch.Of(text)).ShouldBeNull();
        finder.Add(6, TextSketch.Of(text.Replace("w1 ", "zz ", StringComparison.Ordinal) + " moja")).ShouldBe(new Duplicate(5, false));
        finder.Add(9, TextSketch.Of(text + " mbili")).ShouldBe(new Duplicate(5, false));
        finder.Add(10, TextSketch.Of(text + " mbili")).ShouldBe(new Duplicate(9, true));
        finder.Add(11, TextSketch.Of("  " + text)).ShouldBe(new Duplicate(5, true));
    }

    [Fact]
    public void Add_SimilarPairsAmongManyTexts_AreFoundAndNoOthers()
    {
        using var finder = new NearDuplicateFinder(0.8, () => new MemoryStream());
        int found = 0, wrong = 0;
        for (var i = 0; i < 400; i++)
        {
            var text = Words($"text{i}", 50);
            if (finder.Add(2 * i, TextSketch.Of(text)) is not null) wrong++;
            // One word in fifty: a similarity of about 0.94.
            if (finder.Add((2 * i) + 1, TextSketch.Of(text[..^1] + "#")) == new Duplicate(2 * i, false)) found++;
        }

        found.ShouldBeGreaterThanOrEqualTo(399);
        wrong.ShouldBe(0);
    }

    [Fact]
    public void Add_SimilarityAtTheThreshold_IsADuplicateAndEqualLowestBytesAreNot()
    {
        using var finder = new NearDuplicateFinder(0.75, () => new MemoryStream());
        finder.Add(0, Sketch(0, i => 256 * i)).ShouldBeNull();
        finder.Add(1, Sketch(1, i => (256 * i) + (i < 96 ? 0 : 1))).ShouldBe(new Duplicate(0, false));
        finder.Add(2, Sketch(2, i => 256 * (i < 95 ? i : i + 1000))).ShouldBeNull();
    }

    [Fact]
    public void Add_TwoSimilarTexts_PointsToTheEarlierWhereverTheirBandsAre()
    {
        using var finder = new NearDuplicateFinder(0.5, () => new MemoryStream());
        finder.Add(0, Sketch(0, i => i)).ShouldBeNull();
        finder.Add(1, Sketch(1, i => 1000 + i)).ShouldBeNull();
        finder.Add(2, Sketch(2, i => i < 64 ? i : 1000 + i)).ShouldBe(new Duplicate(0, false));
        finder.Add(3, Sketch(3, i => i < 64 ? 1000 + i : i)).ShouldBe(new Duplicate(0, false));
    }

    // Copies, edits of texts and of edits, and one header over a fifth of all.
    [Fact]
    public async Task Add_AllForeseen_FindsTheSame()
    {
        var random = new DeterministicRandom("foreseen");
        var texts = new List<string>();
        while (texts.Count < 1500)
        {
            var earlier = texts.Count > 0 ? texts[random.Next(texts.Count)] : "";
            texts.Add(random.Next(5) switch
            {
                0 when earlier != "" => earlier,
                1 when earlier != "" => earlier[..^1] + "#",
                2 => Words("header", 40) + Words($"text{texts.Count}", 10),
                _ => Words($"text{texts.Count}", 50),
            });
        }

        var sketches = texts.ConvertAll(TextSketch.Of);
        using var holding = new NearDuplicateFinder(0.8, () => new MemoryStream());
        using var foreseeing = await NearDuplicateFinder.ForeseeAsync(0.8, sketches.ToAsyncEnumerable(), () => new MemoryStream());
        var expected = sketches.Select((s, i) => holding.Add(i, s)).ToList();
        sketches.Select((s, i) => foreseeing.Add(i, s)).ShouldBe(expected);
        expected.Count(d => d is { IsExact: true }).ShouldBeGreaterThan(200);
        expected.Count(d => d is { IsExact: false }).ShouldBeGreaterThan(100);
    }

    [Fact]
    public async Task Add_AllForeseen_KeepsOnlyTextsThatShareSomething()
    {
        using var signatures = new MemoryStream();
        using var finder = await NearDuplicateFinder.ForeseeAsync(0.8, Enumerable.Range(0, 2000).Select(Sketch).ToAsyncEnumerable(), () => signatures);
        for (var i = 0; i < 2000; i++) finder.Add(i, Sketch(i)).ShouldBe(i is >= 500 and < 1000 ? new Duplicate(i - 500, false) : null);
        // 500 pairs, of which the first are kept.
        signatures.Length.ShouldBe(500 * 512);

        static TextSketch Sketch(int number) => TextSketch.Of(Words($"{number % (number < 1000 ? 500 : 2000)}", 50) + (number is >= 500 and < 1000 ? "#" : "!"));
    }

    [Fact]
    public async Task Add_MoreThanForeseen_SaysSo()
    {
        using var finder = await NearDuplicateFinder.ForeseeAsync(0.8, new[] { TextSketch.Of("habari") }.ToAsyncEnumerable(), () => new MemoryStream());
        finder.Add(6, TextSketch.Of("habari"));
        Should.Throw<InvalidOperationException>(() => finder.Add(7, TextSketch.Of("jambo"))).Message.ShouldContain("Row 7 ");
    }

    [Fact]
    public void Optimal_MissesWeighHeavier_MeetsPairsAtTheThresholdAlmostAlways()
    {
        var (bands, rows) = LshParameters.Optimal(0.8, 128, 0.02, 0.98);
        LshParameters.Meet(0.8, bands, rows).ShouldBeGreaterThan(0.98);
        LshParameters.Meet(0.3, bands, rows).ShouldBeLessThan(0.05);
        (bands * rows).ShouldBeLessThanOrEqualTo(128);
    }

    [Fact]
    public void Of_ShortAndEmptyTexts_AreSketched()
    {
        using var finder = new NearDuplicateFinder(0.8, () => new MemoryStream());
        string[] texts = ["", "a", "ab", "😀", "abcd", "ABCD"];
        texts.Select((t, i) => finder.Add(i, TextSketch.Of(t))).ShouldBe([null, null, null, null, null, new Duplicate(4, false)]);
    }

    private static readonly uint[] Pinned = [984048691, 1849739795, 714992206, 1764205835];

    private static TextSketch Sketch(byte text, Func<int, int> value) => new([text, .. new byte[31]], [.. Enumerable.Range(0, 128).Select(i => (uint)value(i))]);

    private static string Words(string seed, int count)
    {
        var random = new DeterministicRandom(seed);
        return string.Join(' ', Enumerable.Range(0, count).Select(i => i == 1 ? "w1" : $"{seed[0]}{random.Next(100_000)}"));
    }
}
