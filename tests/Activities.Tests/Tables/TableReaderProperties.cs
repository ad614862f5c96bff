using System.Text;
using FsCheck;
using FsCheck.Fluent;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Statistics;
using XInstruct.Domain.Texts;

namespace XInstruct.Activities.Tests.Tables;

public sealed class TableReaderProperties
{
    private static readonly string[] Header = ["id", "text"];

    [Fact]
    public void Read_AnyRowsInAnyFormat_GivesThemBack() =>
        Prop.ForAll(Rows(), rows =>
        {
            var texts = new[] { TableText.JsonLines(rows), TableText.JsonArray(rows, false), TableText.JsonArray(rows, true), TableText.Csv(Header, rows) };
            return texts.All(t => Same(TableText.Read(t), rows) && Same(TableText.Read(TableText.Gzip(Encoding.UTF8.GetBytes(t))), rows));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Read_HoweverTheBytesArrive_GivesTheSameRows() =>
        Prop.ForAll(Rows(), Gen.Choose(1, 9).ToArbitrary(), (rows, piece) =>
            new[] { TableText.JsonLines(rows), TableText.JsonArray(rows, true), TableText.Csv(Header, rows) }
                .All(t => Same(TableText.Read(new DrippingStream(Encoding.UTF8.GetBytes(t), piece)), rows))).QuickCheckThrowOnFailure();

    [Fact]
    public void Read_OneLineReplacedByAnyBytes_LosesNoOtherLine() =>
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), Gen.Choose(0, 9).ToArbitrary(), (junk, at) =>
        {
            byte[] line = [.. junk.Where(b => b != '\n'), (byte)'!'];
            var lines = Enumerable.Range(0, 10).Select(i => i == at ? line : Encoding.UTF8.GetBytes($"{{\"text\":\"{i}\"}}"));
            var rows = TableText.Read([.. lines.SelectMany(l => l.Append((byte)'\n'))]);
            return rows.Count == 10 && rows[at].Problem is not null && rows.Where(r => r.Number != at).All(r => r.Columns!["text"] == $"{r.Number}");
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Read_OneSignTakenFromAnArray_LosesNoOtherElement() =>
        Prop.ForAll(Gen.Choose(0, 9).ToArbitrary(), Gen.Choose(0, 1000).ToArbitrary(), Gen.Choose(1, 9).ToArbitrary(), (at, sign, piece) =>
        {
            var elements = Enumerable.Range(0, 10).Select(i => $$$"""{"id":"{{{i}}}","text":"t {{{i}}}","more":{"x":[{{{i}}},"},{"]}}""").ToArray();
            var signs = Enumerable.Range(1, elements[at].Length - 1).Where(i => "{}[]\"".Contains(elements[at][i], StringComparison.Ordinal)).ToList();
            elements[at] = elements[at].Remove(signs[sign % signs.Count], 1);
            var rows = TableText.Read(new DrippingStream(Encoding.UTF8.GetBytes($"[{string.Join(", ", elements)}]"), piece));
            var read = rows.Where(r => r.Columns is not null && r.Columns.ContainsKey("id")).Select(r => r.Columns!["id"]).ToHashSet(StringComparer.Ordinal);
            return Enumerable.Range(0, 10).Where(i => i != at).All(i => read.Contains($"{i}"));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Read_AnyBytes_NeverThrowsAndNumbersRowsInOrder() =>
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), Gen.Elements("", "[", "[{", "{", "a,b\n", "\"a\",\"", "\u001F\u008B").ToArbitrary(), (bytes, beginning) =>
            IsInOrder(TableText.Read([.. Encoding.Latin1.GetBytes(beginning), .. bytes], 16))).QuickCheckThrowOnFailure();

    [Fact]
    public void Read_DamagedFiles_NeverThrowAndNumberRowsInOrder()
    {
        var random = new DeterministicRandom("damaged tables");
        var rows = Enumerable.Range(0, 20).Select(i => new Dictionary<string, string>(StringComparer.Ordinal) { ["id"] = $"{i}", ["text"] = $"नमस्ते \"{i}\", \n x" }).ToList();
        foreach (var text in new[] { TableText.JsonLines(rows), TableText.JsonArray(rows, true), TableText.Csv(Header, rows) })
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            foreach (var whole in new[] { bytes, TableText.Gzip(bytes) })
            {
                for (var trial = 0; trial < 300; trial++)
                {
                    var damaged = whole.ToArray();
                    for (var flips = random.Next(4) + 1; flips > 0; flips--) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
                    IsInOrder(TableText.Read(damaged[..(damaged.Length - random.Next(3))], 200)).ShouldBeTrue();
                }
            }
        }
    }

    private static bool IsInOrder(List<TableRow> rows) =>
        rows.Select(r => r.Number).SequenceEqual(Enumerable.Range(0, rows.Count).Select(i => (long)i)) && rows.All(r => r.Columns is null == r.Problem is not null);

    private static bool Same(List<TableRow> read, List<Dictionary<string, string>> rows) =>
        read.Count == rows.Count && read.Zip(rows).All(p => p.First.Columns is { } c && c.Count == 2 && c["id"] == p.Second["id"] && c["text"] == p.Second["text"]);

    private static Arbitrary<List<Dictionary<string, string>>> Rows() =>
        ArbMap.Default.GeneratorFor<NonNull<string>>().Where(s => TextNormalizer.Malformation(s.Get) is null).ListOf()
            .Select(texts => texts.Select((t, i) => new Dictionary<string, string>(StringComparer.Ordinal) { ["id"] = $"{i}", ["text"] = t.Get }).ToList()).ToArbitrary();
}
