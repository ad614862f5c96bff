using System.Text;
using XInstruct.Activities.Tables;

namespace XInstruct.Activities.Tests.Tables;

public sealed class ColumnPathTests
{
    private const string Row = """
        {"text":"plain","a.b":"dotted","m":[{"role":"system","content":"s"},{"role":"user","content":"u \u00e9","n":1},{"role":"user","content":"later"}],"o":{"p":{"q":"deep"}},"bad":["\ud800","\u0000"],"s":"[{\"x\":\"in a string\"}]"}
        """;

    [Theory]
    [InlineData("text", "plain")]
    [InlineData("a.b", "dotted")]
    [InlineData("m[0].content", "s")]
    [InlineData("m[role=user].content", "u é")]
    [InlineData("o.p.q", "deep")]
    [InlineData("s[0].x", "in a string")]
    [InlineData("m[role=tool].content", null)]
    [InlineData("m[3].content", null)]
    [InlineData("m[-1].content", null)]
    [InlineData("m[99999999999].content", null)]
    [InlineData("m[1].n", null)]
    [InlineData("m[1]content", null)]
    [InlineData("m[1", null)]
    [InlineData("m[]", null)]
    [InlineData("m.", null)]
    [InlineData("text[0]", null)]
    [InlineData("o[0]", null)]
    [InlineData("bad[0]", null)]
    [InlineData("bad[1]", null)]
    [InlineData("[0]", null)]
    [InlineData("", null)]
    public async Task Find_Path_GivesTheTextThere(string path, string? expected)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(Row));
        var row = (await TableReader.ReadAsync(stream, new TableReadOptions(), CancellationToken.None).ToListAsync()).ShouldHaveSingleItem();
        row.Find(path).ShouldBe(expected);
    }
}
