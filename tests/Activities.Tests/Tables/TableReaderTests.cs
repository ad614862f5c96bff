using System.Text;
using XInstruct.Activities.Tables;

namespace XInstruct.Activities.Tests.Tables;

public sealed class TableReaderTests
{
    [Theory]
    [InlineData("[!\n{\"text\":\"a\"}\n{\"text\":\"b\"}\n{\"text\":\"c\"}\n", 4)]
    [InlineData("[1,2]\n{\"text\":\"a\"}\n{\"text\":\"b\"}\n{\"text\":\"c\"}\n", 4)]
    [InlineData("[\n{\"text\":\"a\"},\n{\"text\":\"b\"},\n{\"text\":\"c\"}\n]\n", 3)]
    [InlineData("[\n{\"text\":\"a\"}\n]\n", 1)]
    public void Read_BracketOnTheFirstLine_IsABadRowOrAnArrayByTheCommasAfterIt(string text, int rows) =>
        TableText.Read(text).ShouldSatisfyAllConditions(r => r.Count.ShouldBe(rows), r => r.Count(row => row.Problem is null).ShouldBe(rows == 4 ? 3 : rows));

    [Fact]
    public void Read_BadRowsInJsonLines_GivesEachItsReasonAndItsNumberAndKeepsTheOthers()
    {
        byte[] bytes =
        [
            .. "{\"text\":\"a\"}\n"u8, .. "not json\n"u8, .. "{\"text\":\""u8, 0xFF, 0xFE, .. "\"}\n"u8, .. "[1,2]\n"u8, .. "{\"text\":\"\\u0000\"}\n"u8,
            .. "{\"text\":\"a\0b\"}\n"u8, .. "{\"text\":\"\\ud800\"}\n"u8, .. "\n"u8, .. "{\"other\":1}\n"u8, .. "{\"text\":\"z\"}"u8,
        ];
        var rows = TableText.Read(bytes);
        rows.Problems().ShouldBe(["", "not-json", "not-utf8", "not-an-object", "nul", "nul", "lone-surrogate", "", ""]);
        rows.Select(r => r.Number).ShouldBe([0, 1, 2, 3, 4, 5, 6, 7, 8]);
        rows[0].Columns!["text"].ShouldBe("a");
        rows[7].Columns!.ContainsKey("text").ShouldBeFalse();
        rows[8].Columns!["text"].ShouldBe("z");
    }

    [Theory]
    [InlineData("junk\n{\"a\":1}\n{\"a\":2}\n")]
    [InlineData("[1]\n{\"a\":1}\n{\"a\":2}\n")]
    [InlineData("\"x\"\n{\"a\":1}\n{\"a\":2}\n")]
    public void Read_BadFirstRow_StaysJsonLines(string text)
    {
        var rows = TableText.Read(text);
        rows.Count.ShouldBe(3);
        rows[0].Problem.ShouldNotBeNull();
        rows.Skip(1).Select(r => r.Columns!["a"]).ShouldBe(["1", "2"]);
    }

    [Fact]
    public void Read_ValuesOfAllKinds_GivesTextAsWritten()
    {
        var row = TableText.Read("{\"s\":\"x\",\"i\":12,\"d\":1.50,\"b\":true,\"n\":null,\"o\":{\"k\":[1, 2]}}").ShouldHaveSingleItem();
        row.Columns!.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"{c.Key}={c.Value}").ShouldBe(["b=true", "d=1.50", "i=12", "o={\"k\":[1, 2]}", "s=x"]);
    }

    [Fact]
    public void Read_DeepNesting_IsABadRow() =>
        TableText.Read($"{{\"a\":{new string('[', 5000)}{new string(']', 5000)}}}\n{{\"a\":1}}\n").Problems().ShouldBe(["not-json", ""]);

    [Theory]
    [InlineData("[{\"a\":1},{\"a\":2}]", "|")]
    [InlineData(" \n[\n  {\"a\": 1},\n  {\"a\": [1, {\"b\": \"]},{\"}]}\n]\n", "|")]
    [InlineData("[{\"a\":1},{\"a\":2},]", "|")]
    [InlineData("[{\"a\":1} {\"a\":2}]", "|")]
    [InlineData("[]", "none")]
    [InlineData("[{\"a\":1},,{\"a\":2}]", "|not-json|")]
    [InlineData("[{\"a\":1},5,\"x\",{\"a\":2}]", "|not-an-object|not-an-object|")]
    [InlineData("[{\"a\":1},{\"a\":\"x\n},{\"a\":2}]", "|not-json|")]
    [InlineData("[{\"a\":1},{\"a\":2}", "||truncated")]
    [InlineData("[{\"a\":1},{\"a\":", "|truncated")]
    [InlineData("[{\"a\":1},{\"a\":2}] {\"a\":3}", "||trailing-data")]
    [InlineData("[{\"a\":1},{\"a\":{]", "|not-json")]
    [InlineData("[{\"a\":{\"b\":2},{\"a\":1},{\"a\":2}]", "not-json||")]
    [InlineData("[{\"a\":{\"b\":2}  {\"a\":1},{\"a\":2}]", "not-json||")]
    [InlineData("[{\"a\":1,{\"a\":1},{\"a\":2}]", "not-json||")]
    [InlineData("[{\"a\":[1,2},{\"a\":1},{\"a\":2}]", "not-json||")]
    [InlineData("[{\"a\":[{\"b\":1],\"c\":2},{\"a\":1},{\"a\":2}]", "not-json||")]
    [InlineData("[{\"a\":1}},{\"a\":1},{\"a\":2}]", "|not-json||")]
    [InlineData("[{\"a\":\"x},{\"a\":1},{\"a\":2}]", "not-json||")]
    [InlineData("[{\"a\": \"x}, { \"a\" : 1}, {\"a\":2}]", "not-json||")]
    [InlineData("[{\"a\":\"5\" disk\",\"b\":1},{\"a\":1},{\"a\":2}]", "not-json||")]
    [InlineData("[{\"a\":\"he said \"hi\" to me\",\"b\":[{\"a\":7},{\"a\":8}]},{\"a\":1},{\"a\":2}]", "not-json||")]
    [InlineData("[{\"a\":\"},{\"},{\"a\":1},{\"a\":\"\\\"},{\"}]", "||")]
    [InlineData("[{\"a\":1]},{\"a\":1},{\"a\":2}]", "not-json||")]
    [InlineData("[{\"a\":[1,2,{\"a\":1},{\"a\":2}]", "truncated")]
    public void Read_JsonArray_GivesElements(string text, string problems) =>
        string.Join('|', TableText.Read(text).Problems().DefaultIfEmpty("none")).ShouldBe(problems);

    [Fact]
    public void Read_Csv_FollowsRfc4180()
    {
        var rows = TableText.Read("id,text\r\n1,\"a, \"\"b\"\"\r\nc\"\r\n2,5\" disk\r\n\r\n3,\n4\n5,x,y\n6,\"x\"y\n7,good\n");
        rows.Problems().ShouldBe(["", "", "", "bad-csv", "bad-csv", "bad-csv", ""]);
        rows.Where(r => r.Columns is not null).Select(r => r.Columns!["text"]).ShouldBe(["a, \"b\"\r\nc", "5\" disk", "", "good"]);
        rows[^1].Number.ShouldBe(6);
    }

    [Fact]
    public void Read_CsvWithAQuoteThatNobodyCloses_LosesOnlyThatLine()
    {
        var rows = TableText.Read("id,text\n1,a\n2,\"b\n3,c\n4,d\n");
        rows.Problems().ShouldBe(["", "bad-csv", "", ""]);
        rows[^1].Columns!["text"].ShouldBe("d");
    }

    [Theory]
    [InlineData("a;b\n1;x,y\n")]
    [InlineData("a\tb\n1\tx,y\n")]
    [InlineData("\"a\";\"b\"\n\"1\";\"x,y\"\n")]
    public void Read_CsvWithAnotherSeparator_IsToldByItsHeader(string text) =>
        TableText.Read(text).ShouldHaveSingleItem().Columns!["b"].ShouldBe("x,y");

    [Theory]
    [InlineData("a,a\n1,2\n")]
    [InlineData("a,\"b\n1,2\n")]
    public void Read_CsvWithABadHeader_IsOneBadRow(string text) =>
        TableText.Read(text).ShouldHaveSingleItem().Problem.ShouldBe("bad-csv-header");

    [Theory]
    [InlineData("{\"a\":\"x\"}\n")]
    [InlineData("[{\"a\":\"x\"}]")]
    [InlineData("a,b\nx,y\n")]
    public void Read_ByteOrderMarkAndGzip_ChangeNothing(string text)
    {
        var marked = Encoding.UTF8.GetBytes("\uFEFF" + text);
        TableText.Read(marked).ShouldHaveSingleItem().Columns!["a"].ShouldBe("x");
        TableText.Read(TableText.Gzip(marked)).ShouldHaveSingleItem().Columns!["a"].ShouldBe("x");
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n\n")]
    [InlineData("a,b\n")]
    public void Read_NothingInIt_GivesNoRows(string text) => TableText.Read(text).ShouldBeEmpty();

    [Theory]
    [InlineData("{\"a\":1}\n{\"a\":\"", "\"}\n{\"a\":2}\n")]
    [InlineData("[{\"a\":1},{\"a\":\"", "\"},{\"a\":2}]")]
    [InlineData("a,b\n1,\n\"", "\",\n2,\n")]
    public void Read_FiftyMegabyteRow_IsSkippedWithItsNumberInBoundedMemory(string before, string after)
    {
        const int limit = 100_000;
        var stream = new LongStream(before, (byte)'x', 50_000_000, after);
        var start = GC.GetAllocatedBytesForCurrentThread();
        var rows = TableText.Read(stream, limit);
        (GC.GetAllocatedBytesForCurrentThread() - start).ShouldBeLessThan(2_000_000);
        rows.Problems().ShouldBe(["", "row-too-long", ""]);
        rows.Select(r => r.Number).ShouldBe([0, 1, 2]);
        rows[2].Columns!["a"].ShouldBe("2");
    }

    [Fact]
    public void Read_GzipBomb_IsOneRowTooLong()
    {
        var packed = TableText.Gzip([.. "{\"a\":1}\n"u8, .. new byte[20_000_000], .. "\n{\"a\":2}\n"u8]);
        packed.Length.ShouldBeLessThan(200_000);
        TableText.Read(packed, 10_000).Problems().ShouldBe(["", "row-too-long", ""]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Read_CutGzip_GivesTheRowsBeforeTheCutAndSaysSo(bool asArray)
    {
        var rows = Enumerable.Range(0, 2000).Select(i => new Dictionary<string, string>(StringComparer.Ordinal) { ["a"] = $"{i} {i * 7919 % 104729}" }).ToList();
        var packed = TableText.Gzip(Encoding.UTF8.GetBytes(asArray ? TableText.JsonArray(rows, false) : TableText.JsonLines(rows)));
        foreach (var cut in new[] { packed.Length / 2, packed.Length - 9, packed.Length - 1, 12, 3 })
        {
            var read = TableText.Read(packed[..cut]);
            read[^1].Problem.ShouldBe("truncated");
            read.Count(r => r.Problem is not null).ShouldBe(1);
            read.SkipLast(1).Select(r => r.Columns!["a"]).ShouldBe(rows.Take(read.Count - 1).Select(r => r["a"]));
        }

        TableText.Read(packed[..(packed.Length / 2)]).Count.ShouldBeGreaterThan(100);
    }

    [Fact]
    public void Read_DamagedGzip_EndsWithAProblem()
    {
        var packed = TableText.Gzip(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 500).Select(i => $"{{\"a\":\"{i * 7919}\"}}\n"))));
        packed[packed.Length - 6] ^= 0x55;
        TableText.Read(packed)[^1].Problem.ShouldBe("truncated");
    }
}
