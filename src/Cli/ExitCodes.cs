namespace XInstruct.Cli;

/// <summary>What the process says to its caller.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;
    public const int Failed = 1;
    public const int BadInput = 2;
    public const int MissingComponent = 3;

    /// <summary>Interrupted; the run is durable and goes on with the same command.</summary>
    public const int Interrupted = 130;
}
