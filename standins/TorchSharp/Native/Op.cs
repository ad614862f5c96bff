using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TorchSharp.Native;

/// <summary>One operator of the dispatcher, by its schema's name ("aten::add.Tensor"), found at its first call.</summary>
internal sealed unsafe class Op(string name)
{
    private const int StackWords = 64;
    private IntPtr _handle;

    /// <summary>Calls it for one tensor.</summary>
    public torch.Tensor Call(params ReadOnlySpan<Arg> args)
    {
        var results = Run(args, out _);
        return new torch.Tensor(results[0].Pointer);
    }

    /// <summary>Calls it for several tensors.</summary>
    public torch.Tensor[] CallMany(params ReadOnlySpan<Arg> args)
    {
        var results = Run(args, out var count);
        var handles = new IntPtr[count];
        for (var i = 0; i < count; i++) handles[i] = results[i].Pointer;
        return Array.ConvertAll(handles, handle => new torch.Tensor(handle));
    }

    /// <summary>Calls it for two tensors.</summary>
    public (torch.Tensor, torch.Tensor) CallTwo(params ReadOnlySpan<Arg> args)
    {
        var results = Run(args, out _);
        var (first, second) = (results[0].Pointer, results[1].Pointer);
        return (new torch.Tensor(first), new torch.Tensor(second));
    }

    /// <summary>Calls it for a truth value.</summary>
    public bool CallBool(params ReadOnlySpan<Arg> args) => Run(args, out _)[0].Int != 0;

    /// <summary>Calls it for what it does to its first argument, which it gives back.</summary>
    public torch.Tensor On(torch.Tensor self, params ReadOnlySpan<Arg> rest)
    {
        var args = new Arguments();
        args[0] = self;
        for (var i = 0; i < rest.Length; i++) args[i + 1] = rest[i];
        var results = Run(((ReadOnlySpan<Arg>)args)[..(rest.Length + 1)], out var count);
        for (var i = 0; i < count; i++)
        {
            if (results[i].Tag == Tag.Tensor && results[i].Pointer != IntPtr.Zero) Library.xt_free(results[i].Pointer);
        }

        return self;
    }

    [SkipLocalsInit]
    private NativeResult* Run(ReadOnlySpan<Arg> args, out int count)
    {
        if (_handle == IntPtr.Zero) Find();
        var words = 0;
        foreach (ref readonly var arg in args) words += arg.Words;
        var native = stackalloc NativeArg[args.Length];
        var room = stackalloc long[StackWords];
        var large = words > StackWords ? (long*)NativeMemory.Alloc((nuint)words, sizeof(long)) : null;
        try
        {
            var next = large is null ? room : large;
            for (var i = 0; i < args.Length; i++) args[i].Write(native + i, ref next);
            NativeResult* results;
            count = Library.xt_call(_handle, native, args.Length, &results);
            if (count < 0) throw Library.Error();
            return results;
        }
        finally
        {
            if (large is not null) NativeMemory.Free(large);
        }
    }

    private void Find()
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        var found = dot < 0 ? Library.xt_find(name, "") : Library.xt_find(name[..dot], name[(dot + 1)..]);
        if (found == IntPtr.Zero) throw Library.Error();
        _handle = found;
    }

    [InlineArray(8)]
    private struct Arguments
    {
        private Arg _first;
    }
}
