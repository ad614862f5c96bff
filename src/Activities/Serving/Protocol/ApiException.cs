namespace XInstruct.Activities.Serving.Protocol;

/// <summary>A request that is answered with an error, in the words of the OpenAI API.</summary>
/// <param name="status">HTTP status.</param>
/// <param name="message">What is wrong and what is allowed.</param>
/// <param name="param">Member of the request that is wrong, such as <c>messages[0].role</c>; null for none.</param>
/// <param name="code">A word for programs; null for none.</param>
/// <param name="type">Kind of the error.</param>
public sealed class ApiException(int status, string message, string? param = null, string? code = null, string type = ApiException.InvalidRequest) : Exception(message)
{
    /// <summary>The type of most errors.</summary>
    public const string InvalidRequest = "invalid_request_error";

    /// <summary>HTTP status.</summary>
    public int Status { get; } = status;

    /// <summary>The body.</summary>
    public ErrorReply Reply { get; } = new(new ErrorBody(message, type, param, code));

    /// <summary>A member of the request that cannot be used: status 400.</summary>
    public static ApiException Bad(string param, string message, string code = "invalid_value") => new(400, message, param, code);
}

/// <summary>Body of an error.</summary>
/// <param name="Error">What is wrong.</param>
public sealed record ErrorReply(ErrorBody Error);

/// <summary>What is wrong.</summary>
/// <param name="Message">For people.</param>
/// <param name="Type">Kind of the error.</param>
/// <param name="Param">Member of the request.</param>
/// <param name="Code">For programs.</param>
public sealed record ErrorBody(string Message, string Type, string? Param, string? Code);
