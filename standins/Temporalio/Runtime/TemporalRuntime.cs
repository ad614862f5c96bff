namespace Temporalio.Runtime;

/// <summary>Shared by clients and workers of a process. Telemetry is not part of the stand-in.</summary>
public sealed class TemporalRuntime
{
    private TemporalRuntime()
    {
    }

    public static TemporalRuntime Default { get; } = new();
}
