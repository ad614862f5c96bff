namespace XInstruct.EndToEnd;

/// <summary>A test for <c>./xinstruct test --nightly</c>; it is skipped otherwise.</summary>
public sealed class NightlyFactAttribute : FactAttribute
{
    public NightlyFactAttribute(string why)
    {
        if (!IsNightly) Skip = $"Only with --nightly: {why}.";
    }

    internal static bool IsNightly => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("XINSTRUCT_NIGHTLY"));
}
