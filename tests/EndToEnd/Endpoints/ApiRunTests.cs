using System.Text.Json;

namespace XInstruct.EndToEnd.Endpoints;

/// <summary>Whole runs with the generator, or both models, behind an endpoint.</summary>
public sealed class ApiRunTests : IAsyncLifetime
{
    private ChatServer _server = null!;
    private ProductProcess _product = null!;

    public async Task InitializeAsync()
    {
        _server = await ChatServer.StartAsync();
        _product = await ProductProcess.CreateAsync();
        _product.Variables["XI_TEST_API_KEY"] = ChatServer.Key;
    }

    public async Task DisposeAsync()
    {
        await _product.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Run_GeneratorBehindEndpoint_KeepsItsLocalEvaluator()
    {
        var end = await UndisturbedRun.FinishAsync(_product, [.. UndisturbedRun.Small, .. Api("generator")]);
        end.GetProperty("samples").GetProperty("selected").GetInt64().ShouldBeGreaterThan(0);
        _server.Asked.ShouldAllBe(a => a.Requests == 1);
        _server.Authorizations.Keys.ShouldBe([$"Bearer {ChatServer.Key}"]);
    }

    private string[] Api(string role, params string[] more) =>
    [
        .. new[] { "model=m", $"baseUrl={_server.BaseUrl}", "key=XI_TEST_API_KEY" }.Concat(more).SelectMany(s => new[] { "--set", $"models.{role}.api.{s}" }),
    ];
}
