namespace XInstruct.Training.Tokenizers.Splitting;

/// <summary>
/// Cuts before each ▁ that follows another character. Only for models of which no piece reaches over such a place (TokenModel.MayCutBefore):
/// there it changes no token, and the parts are words that come again.
/// </summary>
internal sealed class SpaceCutter : TextSplitter
{
    public override List<TextSpan> Split(List<TextSpan> spans)
    {
        var result = new List<TextSpan>();
        foreach (var span in spans)
        {
            var text = span.Source.Text;
            var (start, end) = (span.Start, span.Start + span.Length);
            for (var at = start + 1; at < end; at++)
            {
                if (text[at] != Metaspace.DefaultSign || text[at - 1] == Metaspace.DefaultSign) continue;
                result.Add(new TextSpan(span.Source, start, at - start));
                start = at;
            }

            result.Add(new TextSpan(span.Source, start, end - start));
        }

        return result;
    }
}
