namespace XInstruct.Activities.Encoders;

/// <summary>A sentence encoder that cannot be used: its files, or the machine it shall run on.</summary>
public sealed class EncoderException(string message, Exception? inner = null) : Exception(message, inner);
