using XInstruct.Domain.Statistics;
using XInstruct.Training.Generation;

namespace XInstruct.Training.Tests.Generation;

public sealed class StopTextTests
{
    [Fact]
    public void Take_AnyPieces_EndsBeforeTheStopTextThatIsCompleteFirst()
    {
        var random = new DeterministicRandom(21);
        for (var round = 0; round < 5000; round++)
        {
            // Few letters, so that stop texts begin often, overlap and hold each other.
            string Text(int length) => new([.. Enumerable.Range(0, length).Select(_ => (char)('a' + random.Next(2)))]);
            var text = Text(random.Next(30));
            string[] stops = [.. Enumerable.Range(0, 1 + random.Next(3)).Select(_ => Text(1 + random.Next(6)))];
            var end = Enumerable.Range(0, text.Length + 1).Where(at => stops.Any(stop => text[..at].EndsWith(stop, StringComparison.Ordinal))).Select(at => (int?)at).FirstOrDefault();
            var expected = end is { } first ? text[..(first - stops.Where(stop => text[..first].EndsWith(stop, StringComparison.Ordinal)).Max(stop => stop.Length))] : text;

            var (taken, stopper, at) = ("", new StopText(null, stops), 0);
            while (at < text.Length)
            {
                var length = Math.Min(text.Length - at, random.Next(4));
                taken += stopper.Take(text.Substring(at, length), isLast: false);
                at += length;
                // Nothing is told that must be taken back.
                expected.ShouldStartWith(taken);
                // And only what a stop text may begin with is held.
                var held = text[taken.Length..at];
                if (!stopper.IsStopped) stops.ShouldContain(stop => stop.StartsWith(held, StringComparison.Ordinal));
            }

            taken += stopper.Take("", isLast: true);
            taken.ShouldBe(expected, $"{text} until {string.Join(", ", stops)}");
            stopper.IsStopped.ShouldBe(end is not null);
        }
    }
}
