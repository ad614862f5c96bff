using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Serving;

/// <summary>A model as callers see it.</summary>
/// <param name="Name">Its name in requests.</param>
/// <param name="Tokenizer">Its tokenizer.</param>
/// <param name="Chat">How a conversation becomes a prompt.</param>
/// <param name="Context">Tokens of a prompt and its reply together, at most.</param>
/// <param name="Vocabulary">Ids that it knows.</param>
/// <param name="Writer">What writes.</param>
/// <param name="Since">When it was loaded.</param>
public sealed record ServedModel(string Name, TextTokenizer Tokenizer, ChatPrompts Chat, int Context, int Vocabulary, ITextWriter Writer, DateTimeOffset Since);
