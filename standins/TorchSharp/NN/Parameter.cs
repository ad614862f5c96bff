using TorchSharp.Modules;

namespace TorchSharp.Modules
{
    /// <summary>A tensor that is learnt. It takes the place of the tensor it is made of, in its dispose scope too.</summary>
    public class Parameter : torch.Tensor
    {
        public Parameter(torch.Tensor data, bool requires_grad = true)
            : base(Take(data, requires_grad, out var scope), false) => scope?.Add(this);

        private static IntPtr Take(torch.Tensor data, bool requires_grad, out DisposeScope? scope)
        {
            data.requires_grad = requires_grad;
            scope = data.OwningDisposeScope;
            scope?.Remove(data);
            return data.MoveHandle();
        }
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Parameter Parameter(Tensor data, bool requires_grad = true) => new(data, requires_grad);
        }
    }

    /// <summary>Conveniences on tensors.</summary>
    public static class TensorExtensionMethods
    {
        public static Parameter AsParameter(this torch.Tensor tensor) => new(tensor);

        public static float ToSingle(this torch.Tensor value) => (float)value;

        public static double ToDouble(this torch.Tensor value) => (double)value;

        public static int ToInt32(this torch.Tensor value) => (int)value;

        public static long ToInt64(this torch.Tensor value) => (long)value;

        public static bool ToBoolean(this torch.Tensor value) => (bool)value;
    }
}
