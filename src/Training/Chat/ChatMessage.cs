namespace XInstruct.Training.Chat;

/// <summary>A message of a conversation.</summary>
/// <param name="Role">Who speaks, such as <c>user</c>, <c>assistant</c> or <c>system</c>.</param>
/// <param name="Content">What is said.</param>
public sealed record ChatMessage(string Role, string Content);
