using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using static TorchSharp.torch;

namespace XInstruct.Training.Checkpoints;

/// <summary>A checkpoint file that cannot be used.</summary>
public sealed class CheckpointException(string file, string tensor, string problem) : Exception($"{file}: {(tensor.Length > 0 ? tensor + ": " : "")}{problem}")
{
    /// <summary>File that was read.</summary>
    public string File { get; } = file;

    /// <summary>Tensor that is wrong; empty when it is the file.</summary>
    public string TensorName { get; } = tensor;
}

/// <summary>Place of one tensor in a safetensors file.</summary>
/// <param name="Offset">First byte in the file.</param>
/// <param name="Length">Bytes.</param>
internal sealed record TensorPlace(string File, string Name, ScalarType Type, long[] Shape, long Offset, long Length);

/// <summary>The safetensors format: 8 bytes little-endian header length, a JSON header, then the tensors' bytes.</summary>
internal static class Safetensors
{
    private const long MaxHeader = 100_000_000;
    private const int MaxRank = 16;

    /// <summary>Reads and checks a file's header. Nothing is allocated by an untrusted length.</summary>
    public static IReadOnlyList<TensorPlace> ReadHeader(string file)
    {
        using var stream = File.OpenRead(file);
        Span<byte> prefix = stackalloc byte[8];
        if (stream.Length < 8) throw new CheckpointException(file, "", $"is {stream.Length} bytes long: too short for a safetensors file.");
        stream.ReadExactly(prefix);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > (ulong)(stream.Length - 8)) throw new CheckpointException(file, "", $"says its header has {length} bytes, but only {stream.Length - 8} follow.");
        if (length > MaxHeader) throw new CheckpointException(file, "", $"says its header has {length} bytes; at most {MaxHeader} are read.");
        var header = new byte[(int)length];
        stream.ReadExactly(header);
        try
        {
            using var json = JsonDocument.Parse(header, new JsonDocumentOptions { MaxDepth = 8 });
            return Places(file, json.RootElement, 8 + (long)length, stream.Length);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second comes from text that is not UTF-8.
            throw new CheckpointException(file, "", "has a header that is not JSON: " + e.Message);
        }
    }

    /// <summary>Reads one tensor on the CPU, in its stored type.</summary>
    public static Tensor Read(TensorPlace place)
    {
        using var stream = File.OpenRead(place.File);
        stream.Position = place.Offset;
        var tensor = empty(place.Shape, place.Type);
        if (place.Length > 0) stream.ReadExactly(tensor.bytes);
        return tensor;
    }

    /// <summary>Writes tensors by name; the same tensors give the same bytes.</summary>
    public static void Write(string file, IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        var sorted = tensors.OrderBy(t => t.Name, StringComparer.Ordinal).ToList();
        using var buffer = new MemoryStream();
        using (var header = new Utf8JsonWriter(buffer))
        {
            header.WriteStartObject();
            header.WriteStartObject("__metadata__");
            header.WriteString("format", "pt");
            header.WriteEndObject();
            var offset = 0L;
            foreach (var (name, tensor) in sorted)
            {
                var bytes = tensor.numel() * Size(tensor.dtype);
                header.WriteStartObject(name);
                header.WriteString("dtype", NameOf(tensor.dtype));
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
        foreach (var (_, tensor) in sorted)
        {
            using var plain = tensor.detach().cpu().contiguous();
            output.Write(plain.bytes);
        }

        output.Flush(flushToDisk: true);
    }

    private static List<TensorPlace> Places(string file, JsonElement header, long start, long end)
    {
        if (header.ValueKind != JsonValueKind.Object) throw new CheckpointException(file, "", "has a header that is not an object.");
        var places = new Dictionary<string, TensorPlace>(StringComparer.Ordinal);
        foreach (var entry in header.EnumerateObject())
        {
            if (entry.Name == "__metadata__") continue;
            var place = Place(file, entry, start, end);
            if (!places.TryAdd(entry.Name, place)) throw new CheckpointException(file, entry.Name, "is there twice.");
        }

        var sorted = places.Values.OrderBy(p => p.Offset).ThenBy(p => p.Length).ToList();
        for (var i = 1; i < sorted.Count; i++)
        {
            if (sorted[i - 1].Offset + sorted[i - 1].Length > sorted[i].Offset) throw new CheckpointException(file, sorted[i].Name, $"overlaps {sorted[i - 1].Name}.");
        }

        return sorted;
    }

    private static TensorPlace Place(string file, JsonProperty entry, long start, long end)
    {
        CheckpointException Error(string problem) => new(file, entry.Name, problem);
        if (entry.Value.ValueKind != JsonValueKind.Object) throw Error("has no description.");
        var type = entry.Value.TryGetProperty("dtype", out var dtype) && dtype.ValueKind == JsonValueKind.String ? TypeOf(dtype.GetString()!) : null;
        if (type is null) throw Error($"has dtype {dtype}; read are F32, F16, BF16, F64, I64, I32 and U8.");
        if (!entry.Value.TryGetProperty("shape", out var shape) || shape.ValueKind != JsonValueKind.Array || shape.GetArrayLength() > MaxRank) throw Error("has no usable shape.");
        var sizes = new List<long>();
        var bytes = (long)Size(type.Value);
        foreach (var size in shape.EnumerateArray())
        {
            if (size.ValueKind != JsonValueKind.Number || !size.TryGetInt64(out var number) || number < 0) throw Error($"has the shape {shape}.");
            sizes.Add(number);
            if (number != 0 && bytes > long.MaxValue / number) throw Error($"has the shape {shape}, which no file can hold.");
            bytes *= number;
        }

        if (!entry.Value.TryGetProperty("data_offsets", out var offsets) || offsets.ValueKind != JsonValueKind.Array || offsets.GetArrayLength() != 2
            || offsets[0].ValueKind != JsonValueKind.Number || !offsets[0].TryGetInt64(out var from)
            || offsets[1].ValueKind != JsonValueKind.Number || !offsets[1].TryGetInt64(out var to))
        {
            throw Error("has no usable data_offsets.");
        }

        if (from < 0 || to < from || to > end - start) throw Error($"lies at {from}–{to}, outside the file's {end - start} data bytes.");
        if (to - from != bytes) throw Error($"has {to - from} bytes; its shape and type need {bytes}.");
        return new TensorPlace(file, entry.Name, type.Value, [.. sizes], start + from, bytes);
    }

    private static ScalarType? TypeOf(string name) => name switch
    {
        "F32" => ScalarType.Float32,
        "F16" => ScalarType.Float16,
        "BF16" => ScalarType.BFloat16,
        "F64" => ScalarType.Float64,
        "I64" => ScalarType.Int64,
        "I32" => ScalarType.Int32,
        "U8" => ScalarType.Byte,
        _ => null,
    };

    private static string NameOf(ScalarType type) => type switch
    {
        ScalarType.Float32 => "F32",
        ScalarType.Float16 => "F16",
        ScalarType.BFloat16 => "BF16",
        ScalarType.Float64 => "F64",
        ScalarType.Int64 => "I64",
        ScalarType.Int32 => "I32",
        _ => "U8",
    };

    private static int Size(ScalarType type) => type switch
    {
        ScalarType.Byte => 1,
        ScalarType.Float16 or ScalarType.BFloat16 => 2,
        ScalarType.Float32 or ScalarType.Int32 => 4,
        _ => 8,
    };
}
