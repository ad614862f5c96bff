using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace XInstruct.Training.Checkpoints;

/// <summary>The tensors of safetensors files. They are mapped into memory and copied piece by piece, so that no second copy of a tensor is ever there.</summary>
internal static class Safetensors
{
    // Small beside any tensor that matters, large beside what mapping a piece costs.
    private const int Piece = 4 << 20;

    /// <summary>Reads and checks a file's header. Nothing is allocated by an untrusted length.</summary>
    public static IReadOnlyList<TensorPlace> ReadHeader(string file) => SafetensorsHeader.Read(file);

    /// <summary>Reads one tensor on the CPU, in its stored type.</summary>
    public static Tensor Read(TensorPlace place)
    {
        var tensor = empty(place.Shape, place.Type);
        try
        {
            Read(place, tensor);
            return tensor;
        }
        catch
        {
            tensor.Dispose();
            throw;
        }
    }

    /// <summary>Reads one tensor into another of the same shape, wherever it lies and of whatever type it is.</summary>
    public static void Read(TensorPlace place, Tensor target)
    {
        if (place.Length == 0) return;
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var flat = target.view(-1);
        var size = SafetensorsHeader.Size(place.Type);
        var direct = flat.device.type == DeviceType.CPU && flat.dtype == place.Type;
        var most = Piece / size;
        var staged = direct ? null : empty(Math.Min(most, flat.numel()), place.Type);
        try
        {
            using var map = MemoryMappedFile.CreateFromFile(place.File, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
            for (var at = 0L; at < flat.numel(); at += most)
            {
                using var step = NewDisposeScope();
                var count = Math.Min(most, flat.numel() - at);
                var part = flat.narrow(0, at, count);
                var plain = staged is null ? part : staged.narrow(0, 0, count);
                using var view = map.CreateViewAccessor(place.Offset + (at * size), count * size, MemoryMappedFileAccess.Read);
                view.SafeMemoryMappedViewHandle.ReadSpan((ulong)view.PointerOffset, plain.bytes);
                if (staged is not null) part.copy_(plain);
            }
        }
        catch (Exception e) when (e is UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            throw new CheckpointException(place.File, place.Name, "cannot be read: the file is shorter than its header said. " + e.Message);
        }
    }

    /// <summary>Writes tensors by name; the same tensors give the same bytes.</summary>
    /// <param name="file">The file.</param>
    /// <param name="tensors">Names and tensors.</param>
    /// <param name="metadata">What __metadata__ holds; null for what transformers expects.</param>
    public static void Write(string file, IEnumerable<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var sorted = tensors.OrderBy(t => t.Name, StringComparer.Ordinal).ToList();
        using var buffer = new MemoryStream();
        using (var header = new Utf8JsonWriter(buffer))
        {
            header.WriteStartObject();
            header.WriteStartObject("__metadata__");
            foreach (var (name, value) in metadata ?? new Dictionary<string, string> { ["format"] = "pt" }) header.WriteString(name, value);
            header.WriteEndObject();
            var offset = 0L;
            foreach (var (name, tensor) in sorted)
            {
                var bytes = Bytes(tensor);
                header.WriteStartObject(name);
                header.WriteString("dtype", SafetensorsHeader.NameOf(tensor.dtype));
                header.WriteStartArray("shape");
                foreach (var size in tensor.shape) header.WriteNumberValue(size);
                header.WriteEndArray();
                header.WriteStartArray("data_offsets");
                header.WriteNumberValue(offset);
                header.WriteNumberValue(offset += bytes);
                header.WriteEndArray();
                header.WriteEndObject();
            }

            header.WriteEndObject();
        }

        // Padded with spaces to 8 bytes, so that the tensors are aligned.
        while (buffer.Length % 8 != 0) buffer.WriteByte((byte)' ');
        using var output = File.Create(file);
        Span<byte> prefix = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(prefix, buffer.Length);
        output.Write(prefix);
        buffer.WriteTo(output);
        foreach (var (_, tensor) in sorted) Write(output, tensor);
        output.Flush(flushToDisk: true);
    }

    public static long Bytes(Tensor tensor) => tensor.numel() * SafetensorsHeader.Size(tensor.dtype);

    private static void Write(Stream output, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var flat = tensor.detach().contiguous().view(-1);
        var most = Piece / SafetensorsHeader.Size(tensor.dtype);
        for (var at = 0L; at < flat.numel(); at += most)
        {
            using var step = NewDisposeScope();
            output.Write(flat.narrow(0, at, Math.Min(most, flat.numel() - at)).cpu().bytes);
        }
    }
}
