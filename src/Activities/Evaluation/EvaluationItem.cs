namespace XInstruct.Activities.Evaluation;

/// <summary>A question as every model gets it: a line of the stage <c>items</c>.</summary>
/// <param name="Row">Row of the file, from 1.</param>
/// <param name="Id">Its id.</param>
/// <param name="Prompt">What the model reads.</param>
/// <param name="Choices">Choices or labels; null when the answer is generated or the text itself is scored.</param>
/// <param name="Delimiter">What stands between prompt and choice.</param>
/// <param name="Answer">The right choice.</param>
/// <param name="Reference">The right answer in words.</param>
/// <param name="Problem">Why the row is no question; then it has nothing else.</param>
internal sealed record EvaluationItem(
    long Row, string Id, string? Prompt = null, IReadOnlyList<string>? Choices = null, string? Delimiter = null, int? Answer = null, string? Reference = null, string? Problem = null);
