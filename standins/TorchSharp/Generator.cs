using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public static Generator manual_seed(long seed)
    {
        Library.Check(Library.xt_seed(seed));
        return Generator.Default;
    }

    public static Tensor get_rng_state()
    {
        using var generator = Generator.Default;
        return generator.get_state();
    }

    public static void set_rng_state(Tensor new_state)
    {
        using var generator = Generator.Default;
        generator.set_state(new_state);
    }

    /// <summary>A source of random numbers.</summary>
    public class Generator : IDisposable
    {
        public Generator(ulong seed = 0, Device? device = null)
            : this(Library.xt_generator(seed, (int)(device?.type ?? DeviceType.CPU), device?.index ?? -1)) => this.device = device ?? CPU;

        private Generator(IntPtr handle)
        {
            if (handle == IntPtr.Zero) throw Library.Error();
            (Handle, device) = (handle, CPU);
        }

        ~Generator() => Dispose(false);

        /// <summary>The generator that is used when none is named.</summary>
        public static Generator Default => new(Library.xt_generator_default());

        public IntPtr Handle { get; private set; }

        public Device device { get; private set; }

        public Tensor get_state() => new(Library.xt_generator_state(Handle));

        public void set_state(Tensor value) => Library.Check(Library.xt_generator_set_state(Handle, value.Handle));

        public Generator manual_seed(long seed)
        {
            Library.xt_generator_seed(Handle, seed);
            return this;
        }

        public long seed()
        {
            var seed = DateTime.UtcNow.Ticks;
            manual_seed(seed);
            return seed;
        }

        public long initial_seed() => Library.xt_generator_initial_seed(Handle);

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            if (Handle == IntPtr.Zero) return;
            Library.xt_generator_free(Handle);
            Handle = IntPtr.Zero;
        }
    }

    /// <summary>The default generator, in PyTorch's words.</summary>
    public static class random
    {
        public static Generator manual_seed(long seed) => torch.manual_seed(seed);

        public static Tensor get_rng_state() => torch.get_rng_state();

        public static void set_rng_state(Tensor new_state) => torch.set_rng_state(new_state);
    }
}
