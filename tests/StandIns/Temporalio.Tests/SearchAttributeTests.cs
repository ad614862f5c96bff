using Temporalio.Common;
using Temporalio.Converters;
using Temporalio.Workflows;

namespace Temporalio.Tests;

[Workflow]
public class SearchWorkflow
{
    public static readonly SearchAttributeKey<string> Language = SearchAttributeKey.CreateKeyword("XiLanguage");
    public static readonly SearchAttributeKey<long> Rows = SearchAttributeKey.CreateLong("XiRows");

    [WorkflowRun]
    public async Task<long> RunAsync()
    {
        var before = Workflow.TypedSearchAttributes.Get(Rows);
        Workflow.UpsertTypedSearchAttributes(Rows.ValueSet(before + 1));
        Workflow.UpsertMemo(MemoUpdate.ValueSet("stage", "rate"), MemoUpdate.ValueUnset("note"));
        await Workflow.DelayAsync(1);
        return Workflow.TypedSearchAttributes.Get(Rows);
    }
}

public sealed class SearchAttributeTests(EnvironmentFixture fixture) : WorkflowTest(fixture)
{
    [Fact]
    public Task Upsert_InWorkflow_ShowsInDescriptionAndList() => RunAsync(WorkerOptions(typeof(SearchWorkflow)), async () =>
    {
        var options = Options();
        options.TypedSearchAttributes = new SearchAttributeCollection.Builder()
            .Set(SearchWorkflow.Language, "is").Set(SearchWorkflow.Rows, 4).ToSearchAttributeCollection();
        options.Memo = new Dictionary<string, object> { ["recipe"] = "demo", ["note"] = "gone" };
        var handle = await Client.StartWorkflowAsync((SearchWorkflow w) => w.RunAsync(), options);
        (await handle.GetResultAsync()).ShouldBe(5);

        var description = await handle.DescribeAsync();
        description.TypedSearchAttributes.Get(SearchWorkflow.Rows).ShouldBe(5);
        description.TypedSearchAttributes.Get(SearchWorkflow.Language).ShouldBe("is");
        description.Memo.Keys.Order().ShouldBe(["recipe", "stage"]);
        (await description.Memo["stage"].ToValueAsync<string>()).ShouldBe("rate");

        var id = handle.Id;
        await EventuallyAsync(async () => await CountAsync($"WorkflowId = '{id}' AND XiRows = 5 AND ExecutionStatus = 'Completed'") == 1);
        (await CountAsync($"WorkflowId = '{id}' AND XiLanguage = 'fi'")).ShouldBe(0);
    });

    private async Task<int> CountAsync(string query)
    {
        var count = 0;
        await foreach (var execution in Client.ListWorkflowsAsync(query))
        {
            execution.WorkflowType.ShouldBe(nameof(SearchWorkflow));
            count++;
        }
        return count;
    }
}
