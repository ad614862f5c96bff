using System.Globalization;
using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using XInstruct.Domain.Provenance;

namespace XInstruct.Domain.Tests.Provenance;

public sealed class CanonicalJsonTests
{
    // RFC 8785, appendix B: IEEE 754 bits and their JSON form.
    [Theory]
    [InlineData(0x0000000000000000, "0")]
    [InlineData(0x8000000000000000, "0")]
    [InlineData(0x0000000000000001, "5e-324")]
    [InlineData(0x8000000000000001, "-5e-324")]
    [InlineData(0x7fefffffffffffff, "1.7976931348623157e+308")]
    [InlineData(0xffefffffffffffff, "-1.7976931348623157e+308")]
    [InlineData(0x4340000000000000, "9007199254740992")]
    [InlineData(0xc340000000000000, "-9007199254740992")]
    [InlineData(0x4430000000000000, "295147905179352830000")]
    [InlineData(0x44b52d02c7e14af5, "9.999999999999997e+22")]
    [InlineData(0x44b52d02c7e14af6, "1e+23")]
    [InlineData(0x44b52d02c7e14af7, "1.0000000000000001e+23")]
    [InlineData(0x444b1ae4d6e2ef4e, "999999999999999700000")]
    [InlineData(0x444b1ae4d6e2ef4f, "999999999999999900000")]
    [InlineData(0x444b1ae4d6e2ef50, "1e+21")]
    [InlineData(0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7")]
    [InlineData(0x3eb0c6f7a0b5ed8d, "0.000001")]
    [InlineData(0x41b3de4355555553, "333333333.3333332")]
    [InlineData(0x41b3de4355555554, "333333333.33333325")]
    [InlineData(0x41b3de4355555556, "333333333.3333334")]
    [InlineData(0xbecbf647612f3696, "-0.0000033333333333333333")]
    [InlineData(0x43143ff3c1cb0959, "1424953923781206.2")]
    public void Number_Rfc8785Example_MatchesItsForm(ulong bits, string expected) =>
        CanonicalJson.Number(BitConverter.UInt64BitsToDouble(bits)).ShouldBe(expected);

    [Fact]
    public void Of_Rfc8785Example_SortsAndEscapesAsTheRfc()
    {
        const string input = """{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}""";
        const string expected = """{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}""";
        Encoding.UTF8.GetString(CanonicalJson.Of(input)).ShouldBe(expected);
    }

    [Fact]
    public void Of_KeysOutsideTheBasicPlane_SortByUtf16CodeUnits()
    {
        var text = Encoding.UTF8.GetString(CanonicalJson.Of("""{"\ufb33":1,"\ud83d\ude00":2,"\u20ac":3,"1":4,"\r":5,"\u0080":6,"\u00f6":7}"""));
        using var parsed = JsonDocument.Parse(text);
        parsed.RootElement.EnumerateObject().Select(p => p.Value.GetInt32()).ShouldBe([5, 4, 6, 7, 3, 2, 1]);
    }

    [Fact]
    public void Of_AnyDouble_ParsesBackToItself() =>
        Prop.ForAll(ArbMap.Default.ArbFor<double>().Filter(double.IsFinite), value =>
            double.Parse(CanonicalJson.Number(value), CultureInfo.InvariantCulture) == value).QuickCheckThrowOnFailure();

    [Fact]
    public void Of_Canonical_IsAFixedPoint() =>
        Prop.ForAll(ArbMap.Default.ArbFor<Dictionary<NonNull<string>, double>>(), map =>
        {
            var plain = map.Where(p => double.IsFinite(p.Value)).ToDictionary(p => p.Key.Get.Replace("\ud800", "", StringComparison.Ordinal), p => p.Value);
            if (plain.Keys.Any(k => k.Any(char.IsSurrogate))) return true;
            var once = CanonicalJson.Of(plain, EventJson.Options);
            return once.AsSpan().SequenceEqual(CanonicalJson.Of(once));
        }).QuickCheckThrowOnFailure();
}
