using TorchSharp;
using XInstruct.Training.Models;

namespace XInstruct.Training.Tuning;

internal static class ModelDevice
{
    /// <summary>Where a model's parameters lie.</summary>
    public static torch.Device Device(this Decoder model) => model.parameters().First().device;
}
