using Microsoft.ML.OnnxRuntime;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Encoders;

/// <summary>Where encoders run on this machine.</summary>
public static class EncoderDevices
{
    private const string Cuda = "CUDAExecutionProvider";

    /// <summary>Version and providers, for people.</summary>
    public static string Describe() => $"{OrtEnv.Instance().GetVersionString()}, {string.Join(", ", OrtEnv.Instance().GetAvailableProviders().Select(p => p.Replace("ExecutionProvider", "", StringComparison.Ordinal)))}";

    /// <summary>Whether the CUDA provider is used.</summary>
    /// <exception cref="EncoderException">It is asked for, and this build has none or the machine no GPU.</exception>
    public static bool UsesCuda(EncoderDevice device)
    {
        var isThere = TorchSharp.torch.cuda.is_available() && OrtEnv.Instance().GetAvailableProviders().Contains(Cuda, StringComparer.Ordinal);
        if (device == EncoderDevice.Cuda && !isThere)
            throw new EncoderException("diversify.encoder.device is cuda, but this worker has no GPU, or its ONNX Runtime none of its kernels: 'xinstruct doctor' lists them. XINSTRUCT_DEVICE=cuda ./xinstruct … builds for CUDA.");
        return device != EncoderDevice.Cpu && isThere;
    }
}
