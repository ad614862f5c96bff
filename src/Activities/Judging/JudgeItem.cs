using XInstruct.Domain.Judging;

namespace XInstruct.Activities.Judging;

/// <summary>What one judgment is about.</summary>
/// <param name="Key">Names it in the job.</param>
/// <param name="Question">Id of the question.</param>
/// <param name="Category">Its category; empty when it has none.</param>
/// <param name="Language">Language code; empty when it is not known.</param>
/// <param name="Text">The question.</param>
/// <param name="Model">Whose answer comes first, or is the only one.</param>
/// <param name="Answer">That answer.</param>
/// <param name="Other">Whose answer comes second; null for a single answer.</param>
/// <param name="OtherAnswer">That answer.</param>
public sealed record JudgeItem(string Key, string Question, string Category, string Language, string Text, string Model, string Answer, string? Other = null, string? OtherAnswer = null);

/// <summary>What a judge said.</summary>
/// <param name="Item">What it is about.</param>
/// <param name="Judge">Name of the judge.</param>
/// <param name="Reply">The reply; null when there is none.</param>
/// <param name="Reason">Why there is none.</param>
/// <param name="Score">Score of the first or only answer; null when the reply holds none.</param>
/// <param name="OtherScore">Score of the second answer.</param>
public sealed record Judgment(JudgeItem Item, string Judge, string? Reply, string? Reason, int? Score, int? OtherScore)
{
    /// <summary>Both scores of a pair; null when the reply held none.</summary>
    internal PairScores? Scores => Score is { } first && OtherScore is { } second ? new PairScores(first, second) : null;
}

/// <summary>Something that could not be judged, or was counted otherwise.</summary>
/// <param name="File">Where, by its key in the recipe.</param>
/// <param name="Row">Row, from 1; null for all of the file.</param>
/// <param name="Id">Id of the question, where there is one.</param>
/// <param name="Problem">What is wrong.</param>
public sealed record JudgeIssue(string File, long? Row, string? Id, string Problem);
