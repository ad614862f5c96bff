using XInstruct.Activities.Tables;

namespace XInstruct.Activities.Tests.Tables;

/// <summary>Parquet files that DuckDB writes with each compression, and damaged ones.</summary>
public sealed class ParquetRowsTests : IDisposable
{
    private readonly string _folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName(), "[a] k=v")).FullName;

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_folder)!, recursive: true);

    [Theory]
    [InlineData("snappy")]
    [InlineData("zstd")]
    [InlineData("gzip")]
    [InlineData("uncompressed")]
    public async Task ReadAsync_EveryCompression_GivesTheRowsInOrder(string compression)
    {
        var path = Write($"select 'ทดสอบ \"' || chr(10) || i as text, i as n, ['a', 'b' || i] as list, {{'role': 'user', 'content': 'सवाल'}} as message, null as nothing from range(30000) t(i)", compression);
        var rows = await ReadAsync(path);
        rows.Count.ShouldBe(30000);
        for (var i = 0; i < rows.Count; i += 997)
        {
            rows[i].Number.ShouldBe(i);
            rows[i].Find("text").ShouldBe($"ทดสอบ \"\n{i}");
            rows[i].Find("n").ShouldBe($"{i}");
            rows[i].Find("list[1]").ShouldBe($"b{i}");
            rows[i].Find("message.content").ShouldBe("सवाल");
            rows[i].Find("nothing").ShouldBeNull();
        }
    }

    [Fact]
    public async Task ReadAsync_StoppedEarly_ReadsNoMore()
    {
        var path = Write("select repeat('x', 1000) || i as text from range(200000) t(i)", "zstd");
        await foreach (var row in TableReader.ReadAsync(path, new TableReadOptions(), CancellationToken.None))
        {
            row.Find("text").ShouldNotBeNull().ShouldEndWith("x0");
            break;
        }

        // The same file once more: nothing of the first reading is left open or behind.
        (await TableReader.ReadAsync(path, new TableReadOptions(), CancellationToken.None).Take(3).CountAsync()).ShouldBe(3);
    }

    [Fact]
    public async Task ReadAsync_NumbersThatJsonLacksAndMoments_AreNullsAndInUtc()
    {
        var path = Write("select 'a' as text, 'nan'::double as \"a\"\"b\", '-inf'::float as f, 1.5::float as g, timestamptz '2024-01-01 09:00:00+09' as t", "snappy");
        var row = (await ReadAsync(path)).ShouldHaveSingleItem();
        row.Problem.ShouldBeNull();
        row.Columns!.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"{c.Key}={c.Value}").ShouldBe(["g=1.5", "t=2024-01-01 00:00:00+00", "text=a"]);
    }

    [Fact]
    public async Task ReadAsync_CancelledAtOnce_Ends()
    {
        var path = Write("select repeat('x', 1000) || i as text from range(20000) t(i)", "zstd");
        for (var i = 0; i < 20; i++)
        {
            await Should.ThrowAsync<OperationCanceledException>(async () => await TableReader.ReadAsync(path, new TableReadOptions(), new CancellationToken(true)).CountAsync());
        }

        Directory.GetDirectories(Path.GetTempPath(), "xi-parquet-*").ShouldAllBe(d => Directory.GetCreationTimeUtc(d) < DateTime.UtcNow.AddMinutes(-5));
    }

    [Fact]
    public async Task ReadAsync_NoRows_GivesNone() => (await ReadAsync(Write("select 'a' as text where false", "snappy"))).ShouldBeEmpty();

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.999)]
    public async Task ReadAsync_CutFile_SaysWhy(double part)
    {
        var bytes = File.ReadAllBytes(Write("select 'text ' || i as text from range(5000) t(i)", "zstd"));
        var path = Path.Combine(_folder, "cut");
        File.WriteAllBytes(path, bytes[..(int)(bytes.Length * part)]);
        (await Should.ThrowAsync<IOException>(() => ReadAsync(path))).Message.ShouldContain("As Parquet it cannot be read");
    }

    [Fact]
    public async Task ReadAsync_DamagedInTheMiddle_EndsAsTruncated()
    {
        var path = Write("select hash(i)::varchar || hash(i + 1)::varchar as text from range(300000) t(i)", "zstd");
        var bytes = File.ReadAllBytes(path);
        bytes.AsSpan(bytes.Length * 2 / 3, 4096).Clear();
        File.WriteAllBytes(path, bytes);
        var rows = await ReadAsync(path);
        rows[^1].Problem.ShouldBe("truncated");
        rows.Count.ShouldBeInRange(2, 299_999);
        rows.SkipLast(1).ShouldAllBe(r => r.Problem == null);
    }

    private static async Task<List<TableRow>> ReadAsync(string path) => await TableReader.ReadAsync(path, new TableReadOptions(), CancellationToken.None).ToListAsync();

    private string Write(string sql, string compression)
    {
        var path = Path.Combine(_folder, compression);
        DuckDb.Run($"copy ({sql}) to {DuckDb.Quote(path)} (format parquet, compression {compression}, row_group_size 100000)").ShouldBe("");
        return path;
    }
}
