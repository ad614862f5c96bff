using Temporalio.Client;
using Temporalio.Common;
using Temporalio.Exceptions;
using Temporalio.Worker;
using Temporalio.Workflows;

namespace Temporalio.Tests;

/// <summary>Waits a second, then asks for a greeting.</summary>
[Workflow]
public class ExportedWorkflow
{
    [WorkflowRun]
    public async Task<string> RunAsync(string name)
    {
        await Workflow.DelayAsync(1000);
        return await Workflow.ExecuteActivityAsync((IGreetingActivities a) => a.GreetAsync(name), new() { StartToCloseTimeout = TimeSpan.FromSeconds(30) });
    }
}

/// <summary>Histories as files, in the form that the service's tools write and read.</summary>
public sealed class HistoryFileTests(EnvironmentFixture fixture) : WorkflowTest(fixture)
{
    /// <summary>As <c>temporal workflow show --output json</c> and the web page write it.</summary>
    private const string Exported = """
        {"events": [
          {"eventId": "1", "eventTime": "2024-05-01T10:00:00.123456789Z", "eventType": "~EVENT_TYPE_~WorkflowExecutionStarted", "version": "0", "taskId": "1048587", "workflowExecutionStartedEventAttributes": {
            "workflowType": {"name": "ExportedWorkflow"}, "taskQueue": {"name": "q", "kind": "TASK_QUEUE_KIND_NORMAL"},
            "input": {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "IkrDs24i"}]},
            "workflowExecutionTimeout": "0s", "workflowRunTimeout": "0s", "workflowTaskTimeout": "10s",
            "originalExecutionRunId": "5f0c4a6e-0000-4000-8000-000000000001", "identity": "1@host", "firstExecutionRunId": "5f0c4a6e-0000-4000-8000-000000000001", "attempt": 1, "header": {}, "workflowId": "exported"}},
          {"eventId": "2", "eventTime": "2024-05-01T10:00:00.2Z", "eventType": "~EVENT_TYPE_~WorkflowTaskScheduled", "workflowTaskScheduledEventAttributes": {"taskQueue": {"name": "q"}, "startToCloseTimeout": "10s", "attempt": 1}},
          {"eventId": "3", "eventTime": "2024-05-01T10:00:00.3Z", "eventType": "~EVENT_TYPE_~WorkflowTaskStarted", "workflowTaskStartedEventAttributes": {"scheduledEventId": "2", "identity": "1@host", "requestId": "r", "historySizeBytes": "400"}},
          {"eventId": "4", "eventTime": "2024-05-01T10:00:00.4Z", "eventType": "~EVENT_TYPE_~WorkflowTaskCompleted", "workflowTaskCompletedEventAttributes": {"scheduledEventId": "2", "startedEventId": "3", "identity": "1@host", "sdkMetadata": {"langUsedFlags": [1]}}},
          {"eventId": "5", "eventTime": "2024-05-01T10:00:00.4Z", "eventType": "~EVENT_TYPE_~TimerStarted", "timerStartedEventAttributes": {"timerId": "1", "startToFireTimeout": "1s", "workflowTaskCompletedEventId": "4"}},
          {"eventId": "6", "eventTime": "2024-05-01T10:00:01.4Z", "eventType": "~EVENT_TYPE_~TimerFired", "timerFiredEventAttributes": {"timerId": "1", "startedEventId": "5"}},
          {"eventId": "7", "eventTime": "2024-05-01T10:00:01.4Z", "eventType": "~EVENT_TYPE_~WorkflowTaskScheduled", "workflowTaskScheduledEventAttributes": {"taskQueue": {"name": "q"}, "attempt": 1}},
          {"eventId": "8", "eventTime": "2024-05-01T10:00:01.5Z", "eventType": "~EVENT_TYPE_~WorkflowTaskStarted", "workflowTaskStartedEventAttributes": {"scheduledEventId": "7", "historySizeBytes": "900"}},
          {"eventId": "9", "eventTime": "2024-05-01T10:00:01.6Z", "eventType": "~EVENT_TYPE_~WorkflowTaskCompleted", "workflowTaskCompletedEventAttributes": {"scheduledEventId": "7", "startedEventId": "8"}},
          {"eventId": "10", "eventTime": "2024-05-01T10:00:01.6Z", "eventType": "~EVENT_TYPE_~ActivityTaskScheduled", "activityTaskScheduledEventAttributes": {
            "activityId": "1", "activityType": {"name": "Greet"}, "taskQueue": {"name": "q"}, "input": {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "IkrDs24i"}]},
            "startToCloseTimeout": "30s", "workflowTaskCompletedEventId": "9", "retryPolicy": {"initialInterval": "1s", "backoffCoefficient": 2, "maximumInterval": "100s"}}},
          {"eventId": "11", "eventTime": "2024-05-01T10:00:01.7Z", "eventType": "~EVENT_TYPE_~ActivityTaskStarted", "activityTaskStartedEventAttributes": {"scheduledEventId": "10", "attempt": 1}},
          {"eventId": "12", "eventTime": "2024-05-01T10:00:01.8Z", "eventType": "~EVENT_TYPE_~ActivityTaskCompleted", "activityTaskCompletedEventAttributes": {"scheduledEventId": "10", "startedEventId": "11", "result": {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "IlPDpmwi"}]}}},
          {"eventId": "13", "eventTime": "2024-05-01T10:00:01.8Z", "eventType": "~EVENT_TYPE_~WorkflowTaskScheduled", "workflowTaskScheduledEventAttributes": {"taskQueue": {"name": "q"}, "attempt": 1}},
          {"eventId": "14", "eventTime": "2024-05-01T10:00:01.9Z", "eventType": "~EVENT_TYPE_~WorkflowTaskStarted", "workflowTaskStartedEventAttributes": {"scheduledEventId": "13"}},
          {"eventId": "15", "eventTime": "2024-05-01T10:00:02Z", "eventType": "~EVENT_TYPE_~WorkflowTaskCompleted", "workflowTaskCompletedEventAttributes": {"scheduledEventId": "13", "startedEventId": "14"}},
          {"eventId": "16", "eventTime": "2024-05-01T10:00:02Z", "eventType": "~EVENT_TYPE_~WorkflowExecutionCompleted", "workflowExecutionCompletedEventAttributes": {"result": {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "IlPDpmwi"}]}, "workflowTaskCompletedEventId": "15"}}
        ]}
        """;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task FromJson_ExportOfTheServicesTools_Replays(bool isLongName)
    {
        var history = WorkflowHistory.FromJson("exported", Export(isLongName));
        history.Events.Count.ShouldBe(16);
        await Replayer.ReplayWorkflowAsync(history);
        // What is written says the same.
        await Replayer.ReplayWorkflowAsync(WorkflowHistory.FromJson("exported", history.ToJson()));
    }

    [Fact]
    public async Task FromJson_AnotherTimer_IsNoLongerTheSameWay() => await Should.ThrowAsync<WorkflowNondeterminismException>(() =>
        Replayer.ReplayWorkflowAsync(WorkflowHistory.FromJson("exported", Export(true).Replace("\"timerId\": \"1\"", "\"timerId\": \"2\""))));

    [Theory]
    [InlineData("[]")]
    [InlineData("3")]
    public void FromJson_NoHistory_Throws(string json) => Should.Throw<ArgumentException>(() => WorkflowHistory.FromJson("exported", json));

    [Fact]
    public Task ToJson_RunThatWasTried_NamesEventsAndFailuresAsTheServiceDoes() =>
        RunAsync(WorkerOptions(typeof(FailingWorkflow)).AddAllActivities(new FailingActivities()), async () =>
        {
            var call = new FailingCall("final", 9);
            var handle = await Client.StartWorkflowAsync((FailingWorkflow w) => w.RunAsync(call), Options());
            await Should.ThrowAsync<WorkflowFailedException>(() => handle.GetResultAsync());
            using var json = System.Text.Json.JsonDocument.Parse((await handle.FetchHistoryAsync()).ToJson());
            var events = json.RootElement.GetProperty("events").EnumerateArray().ToList();
            events[0].GetProperty("eventType").GetString().ShouldBe("EVENT_TYPE_WORKFLOW_EXECUTION_STARTED");
            var failed = events.Single(e => e.GetProperty("eventType").GetString() == "EVENT_TYPE_ACTIVITY_TASK_FAILED").GetProperty("activityTaskFailedEventAttributes");
            failed.GetProperty("retryState").GetString().ShouldBe("RETRY_STATE_NON_RETRYABLE_FAILURE");
            var info = failed.GetProperty("failure").GetProperty("applicationFailureInfo");
            (info.GetProperty("type").GetString(), info.GetProperty("nonRetryable").GetBoolean()).ShouldBe(("MissingKey", true));
            info.GetProperty("details").GetProperty("payloads").GetArrayLength().ShouldBe(2);
            var scheduled = events.Single(e => e.GetProperty("eventId").GetString() == failed.GetProperty("scheduledEventId").GetString());
            scheduled.GetProperty("activityTaskScheduledEventAttributes").GetProperty("startToCloseTimeout").GetString().ShouldBe("20s");
            var end = events[^1].GetProperty("workflowExecutionFailedEventAttributes").GetProperty("failure");
            end.GetProperty("cause").GetProperty("message").GetString().ShouldBe("no key");
            end.GetProperty("activityFailureInfo").GetProperty("activityType").GetProperty("name").GetString().ShouldBe("Fail");
        });

    private static WorkflowReplayer Replayer => new(new WorkflowReplayerOptions().AddWorkflow<ExportedWorkflow>());

    /// <summary>Protobuf's names, or the short ones of older tools.</summary>
    private static string Export(bool isLongName) => System.Text.RegularExpressions.Regex.Replace(Exported, "~EVENT_TYPE_~(?<name>[A-Za-z]+)", m =>
        isLongName ? "EVENT_TYPE_" + string.Concat(m.Groups["name"].Value.Select((c, i) => i > 0 && char.IsUpper(c) ? "_" + c : char.ToUpperInvariant(c).ToString())) : m.Groups["name"].Value, System.Text.RegularExpressions.RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5));
}
