using Temporalio.Client;
using Temporalio.Common;
using Temporalio.Converters;
using Temporalio.Exceptions;
using Temporalio.Workflows;

namespace Temporalio.Tests;

[Workflow]
public class SearchWorkflow
{
    public static readonly SearchAttributeKey<string> Language = SearchAttributeKey.CreateKeyword("XiLanguage");
    public static readonly SearchAttributeKey<long> Rows = SearchAttributeKey.CreateLong("XiRows");
    public static readonly SearchAttributeKey<IReadOnlyCollection<string>> Tags = SearchAttributeKey.CreateKeywordList("XiTags");
    public static readonly SearchAttributeKey<string> Note = SearchAttributeKey.CreateText("XiNote");
    public static readonly SearchAttributeKey<string> Unknown = SearchAttributeKey.CreateKeyword("XiUnknown");

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

[Workflow]
public class UnknownAttributeWorkflow
{
    [WorkflowRun]
    public Task RunAsync()
    {
        Workflow.UpsertTypedSearchAttributes(SearchWorkflow.Unknown.ValueSet("x"));
        return Task.CompletedTask;
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

    /// <summary>Three runs: a of language is, 1 row, tags x and y, note "from the web"; b of fi, 20 rows, tag x; c with nothing.</summary>
    [Fact]
    public async Task List_Filter_FindsWhatItSays()
    {
        var prefix = $"list-{Guid.NewGuid():N}-";
        await Client.StartWorkflowAsync((SearchWorkflow w) => w.RunAsync(), With("a", b => b.Set(SearchWorkflow.Language, "is").Set(SearchWorkflow.Rows, 1)
            .Set(SearchWorkflow.Tags, ["x", "y"]).Set(SearchWorkflow.Note, "from the web")));
        await Client.StartWorkflowAsync((SearchWorkflow w) => w.RunAsync(), With("b", b => b.Set(SearchWorkflow.Language, "fi").Set(SearchWorkflow.Rows, 20).Set(SearchWorkflow.Tags, ["x"])));
        await (await Client.StartWorkflowAsync((SearchWorkflow w) => w.RunAsync(), With("c", b => b))).TerminateAsync();
        await EventuallyAsync(async () => await ListAsync("ExecutionStatus = 'Terminated' OR ExecutionStatus = 'Running'") == "abc");
        foreach (var (filter, found) in new[]
        {
            ("XiLanguage = 'is' OR XiRows = 20", "ab"),
            ("XiLanguage = 'is' OR XiLanguage = 'fi' AND XiRows = 1", "a"),
            ("(XiLanguage = 'is' OR XiLanguage = 'fi') AND XiRows >= 2", "b"),
            ("XiLanguage IN ('is', 'no')", "a"),
            ("XiLanguage NOT IN ('is', 'no')", "b"),
            ("not (XiLanguage = 'is' and XiRows = 1)", "b"),
            ("XiLanguage != 'is'", "b"),
            ("XiLanguage IS NULL", "c"),
            ("XiLanguage IS NOT NULL", "ab"),
            ("XiLanguage STARTS_WITH 'f'", "b"),
            ("XiLanguage NOT STARTS_WITH 'f'", "a"),
            ("XiRows BETWEEN 1 AND 19", "a"),
            ("XiRows IN (1, 20)", "ab"),
            ("XiTags = 'y'", "a"),
            ("XiTags IN ('x', 'z')", "ab"),
            ("XiTags != 'y'", "b"),
            ("XiNote = 'web'", "a"),
            ("ExecutionStatus IN ('Running', 'Completed')", "ab"),
            ("ExecutionStatus != \"Running\" AND CloseTime > '2020-01-01T00:00:00Z'", "c"),
            ("`CloseTime` IS NULL AND StartTime > '2020-01-01T00:00:00Z' AND ExecutionTime > '2020-01-01T00:00:00Z'", "ab"),
            ("RootWorkflowId STARTS_WITH 'list-' AND ParentWorkflowId IS NULL AND BuildIds IS NULL", "abc"),
        })
        {
            (await ListAsync(filter)).ShouldBe(found, filter);
        }

        WorkflowOptions With(string name, Func<SearchAttributeCollection.Builder, SearchAttributeCollection.Builder> attributes)
        {
            var options = Options(prefix + name);
            options.TypedSearchAttributes = attributes(new()).ToSearchAttributeCollection();
            return options;
        }

        async Task<string> ListAsync(string filter)
        {
            var names = new List<string>();
            await foreach (var execution in Client.ListWorkflowsAsync($"TaskQueue = '{Queue}' AND ({filter})"))
            {
                names.Add(execution.Id[prefix.Length..]);
            }
            return string.Concat(names.Order());
        }
    }

    [Theory]
    [InlineData("XiUnknown = 'x'")]
    [InlineData("XiLanguage = is")]
    [InlineData("XiLanguage = 'is' OR")]
    [InlineData("(XiLanguage = 'is'")]
    [InlineData("XiLanguage = 'is')")]
    [InlineData("XiLanguage = 3")]
    [InlineData("XiRows = 'many'")]
    [InlineData("XiRows STARTS_WITH '1'")]
    [InlineData("XiTags > 'x'")]
    [InlineData("ExecutionStatus = 'Sleeping'")]
    [InlineData("StartTime > 'yesterday'")]
    public async Task List_FilterThatSaysNothing_IsRefused(string filter) =>
        (await Should.ThrowAsync<RpcException>(() => CountAsync(filter))).Code.ShouldBe(RpcException.StatusCode.InvalidArgument);

    [Fact]
    public async Task Start_WithAnAttributeNotRegistered_IsRefused()
    {
        foreach (var attributes in new[]
        {
            new SearchAttributeCollection.Builder().Set(SearchWorkflow.Unknown, "x").ToSearchAttributeCollection(),
            new SearchAttributeCollection.Builder().Set(SearchAttributeKey.CreateKeyword("WorkflowId"), "x").ToSearchAttributeCollection(),
            new SearchAttributeCollection.Builder().Set(SearchAttributeKey.CreateKeyword("XiRows"), "many").ToSearchAttributeCollection(),
        })
        {
            var options = Options();
            options.TypedSearchAttributes = attributes;
            var refused = await Should.ThrowAsync<RpcException>(() => Client.StartWorkflowAsync((SearchWorkflow w) => w.RunAsync(), options));
            refused.Code.ShouldBe(RpcException.StatusCode.InvalidArgument);
            refused.Message.ShouldContain(attributes.Single().Name);
        }
    }

    [Fact]
    public Task Upsert_OfAnAttributeNotRegistered_FailsTheWorkflowTask() => RunAsync(WorkerOptions(typeof(UnknownAttributeWorkflow)), async () =>
    {
        var handle = await Client.StartWorkflowAsync((UnknownAttributeWorkflow w) => w.RunAsync(), Options());
        await EventuallyAsync(async () => await FailedTasksAsync(handle) is [.., "WORKFLOW_TASK_FAILED_CAUSE_BAD_SEARCH_ATTRIBUTES"]);
        await handle.TerminateAsync();
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
