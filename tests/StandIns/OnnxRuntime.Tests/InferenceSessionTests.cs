using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using XInstruct.Tests;

namespace XInstruct.OnnxRuntime.Tests;

public sealed class InferenceSessionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-onnx-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Metadata_OfAModel_NamesInputsOutputsAndTheirTypes()
    {
        using var session = Open();
        session.InputMetadata.Keys.ShouldBe(["input_ids", "attention_mask", "token_type_ids"], ignoreOrder: true);
        var ids = session.InputMetadata["input_ids"];
        (ids.IsTensor, ids.ElementDataType, ids.Dimensions.Length).ShouldBe((true, TensorElementType.Int64, 2));
        session.OutputMetadata["pooler_output"].Dimensions.ShouldBe([-1, 2]);
    }

    [Fact]
    public void Run_OrtValues_ComputesTheGraph()
    {
        using var session = Open();
        Run(session, 2, 4, 3).ShouldBe([2 + 9, 4, 4 + 9, 4, 3 + 9, 4]);
    }

    [Fact]
    public void Run_ModelWithExternalData_FindsItBesideTheModel()
    {
        using var session = Open(TinyEncoder.WeightsFile);
        Run(session, 2, 3).ShouldBe([2 + 5, 3, 3 + 5, 3]);
    }

    [Fact]
    public void Run_ManyThreadsOneSession_EachGetsItsOwn()
    {
        using var session = Open();
        Parallel.For(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i => Run(session, i % 50, 3)[0].ShouldBe((2 * (i % 50)) + 3));
    }

    [Fact]
    public void Run_IdBeyondTheEmbedding_Throws()
    {
        using var session = Open();
        Should.Throw<OnnxRuntimeException>(() => Run(session, 56));
    }

    [Theory]
    [InlineData("")]
    [InlineData("no model")]
    public void Open_NoModel_Throws(string content)
    {
        var path = Path.Combine(_folder, "bad.onnx");
        File.WriteAllText(path, content);
        Should.Throw<OnnxRuntimeException>(() => new InferenceSession(path));
    }

    [Fact]
    public void Open_MissingFile_Throws() => Should.Throw<OnnxRuntimeException>(() => new InferenceSession(Path.Combine(_folder, "none.onnx")));

    [Fact]
    public void GetAvailableProviders_Here_HasTheCpu()
    {
        OrtEnv.Instance().GetAvailableProviders().ShouldContain("CPUExecutionProvider");
        OrtEnv.Instance().GetVersionString().ShouldStartWith("1.29.");
    }

    private static float[] Run(InferenceSession session, params long[] ids)
    {
        using var input = OrtValue.CreateTensorValueFromMemory(ids, [1, ids.Length]);
        using var mask = OrtValue.CreateTensorValueFromMemory(Enumerable.Repeat(1L, ids.Length).ToArray(), [1, ids.Length]);
        using var types = OrtValue.CreateTensorValueFromMemory(new long[ids.Length], [1, ids.Length]);
        using var options = new RunOptions();
        var inputs = new Dictionary<string, OrtValue> { ["input_ids"] = input, ["attention_mask"] = mask, ["token_type_ids"] = types };
        using var outputs = session.Run(options, inputs, ["last_hidden_state"]);
        outputs[0].GetTensorTypeAndShape().Shape.ShouldBe([1, ids.Length, 2]);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }

    private InferenceSession Open(string? weights = null)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 1 };
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        return new InferenceSession(Path.Combine(TinyEncoder.Write(_folder, weights), "model.onnx"), options);
    }
}
