using System.Buffers.Binary;
using System.Text.Json;
using static TorchSharp.torch;

namespace XInstruct.Training.Checkpoints;

/// <summary>Place of one tensor in a safetensors file.</summary>
/// <param name="Offset">First byte in the file.</param>
/// <param name="Length">Bytes.</param>
internal sealed record TensorPlace(string File, string Name, ScalarType Type, long[] Shape, long Offset, long Length);

/// <summary>
/// The header of a safetensors file: 8 bytes little-endian length, then JSON. Read token by token, so that no file makes more memory than a
/// small multiple of its header, and by the rules of the format's own library: the tensors fill the rest of the file without gap or overlap.
/// </summary>
internal static class SafetensorsHeader
{
    private const long MaxLength = 32 << 20;
    private const int MaxTensors = 1 << 17;
    private const int MaxRank = 16;
    private static readonly JsonReaderOptions s_options = new() { MaxDepth = 8 };

    /// <summary>Reads and checks a file's header; the places come in the order of the file.</summary>
    /// <exception cref="CheckpointException">The file is no safetensors file; the message says what is wrong.</exception>
    public static IReadOnlyList<TensorPlace> Read(string file)
    {
        using var stream = File.OpenRead(file);
        Span<byte> prefix = stackalloc byte[8];
        if (stream.Length < 8) throw new CheckpointException(file, "", $"is {stream.Length} bytes long: too short for a safetensors file.");
        stream.ReadExactly(prefix);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > (ulong)(stream.Length - 8)) throw new CheckpointException(file, "", $"says its header has {length} bytes, but only {stream.Length - 8} follow.");
        if (length > MaxLength) throw new CheckpointException(file, "", $"says its header has {length} bytes; at most {MaxLength} are read.");
        var header = new byte[(int)length];
        stream.ReadExactly(header);
        try
        {
            var reader = new Utf8JsonReader(header, s_options);
            var places = Places(file, ref reader, stream.Length - 8 - (long)length);
            while (reader.Read())
            {
                // Only space may follow: anything else throws.
            }

            return Ordered(file, places, 8 + (long)length, stream.Length);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            // The second comes from text that is not UTF-8.
            throw new CheckpointException(file, "", "has a header that is not JSON: " + e.Message);
        }
    }

    public static string NameOf(ScalarType type) => type switch
    {
        ScalarType.Float32 => "F32",
        ScalarType.Float16 => "F16",
        ScalarType.BFloat16 => "BF16",
        ScalarType.Float64 => "F64",
        ScalarType.Int64 => "I64",
        ScalarType.Int32 => "I32",
        ScalarType.Int16 => "I16",
        ScalarType.Int8 => "I8",
        ScalarType.Bool => "BOOL",
        _ => "U8",
    };

    public static int Size(ScalarType type) => type switch
    {
        ScalarType.Byte or ScalarType.Int8 or ScalarType.Bool => 1,
        ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Int16 => 2,
        ScalarType.Float32 or ScalarType.Int32 => 4,
        _ => 8,
    };

    private static List<TensorPlace> Places(string file, ref Utf8JsonReader reader, long bytes)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new CheckpointException(file, "", "has a header that is not an object.");
        var places = new List<TensorPlace>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (!names.Add(name)) throw new CheckpointException(file, name, "is there twice.");
            if (names.Count > MaxTensors) throw new CheckpointException(file, "", $"has more than {MaxTensors} tensors.");
            reader.Read();
            if (name == "__metadata__") reader.Skip();
            else places.Add(Place(file, name, ref reader, bytes));
        }

        return places;
    }

    private static TensorPlace Place(string file, string name, ref Utf8JsonReader reader, long bytes)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new CheckpointException(file, name, "has no description.");
        ScalarType? type = null;
        List<long>? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString();
            reader.Read();
            switch (key)
            {
                case "dtype" when type is null:
                    var given = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
                    type = TypeOf(given) ?? throw new CheckpointException(file, name, $"has dtype {Shown(given)}; read are F32, F16, BF16, F64, I64, I32, I16, I8, U8 and BOOL.");
                    break;
                case "shape" when shape is null:
                    shape = Numbers(ref reader, MaxRank) ?? throw new CheckpointException(file, name, $"has no usable shape: at most {MaxRank} whole numbers, none below 0.");
                    break;
                case "data_offsets" when offsets is null:
                    offsets = Numbers(ref reader, 2);
                    if (offsets is not { Count: 2 }) throw new CheckpointException(file, name, "has no usable data_offsets: two whole numbers, none below 0.");
                    break;
                case "dtype" or "shape" or "data_offsets":
                    throw new CheckpointException(file, name, $"has {key} twice.");
                default:
                    reader.Skip();
                    break;
            }
        }

        if (type is null) throw new CheckpointException(file, name, "has no dtype.");
        if (shape is null) throw new CheckpointException(file, name, "has no usable shape.");
        if (offsets is null) throw new CheckpointException(file, name, "has no usable data_offsets.");
        var needed = (long)Size(type.Value);
        foreach (var size in shape)
        {
            if (size != 0 && needed > long.MaxValue / size) throw new CheckpointException(file, name, $"has the shape [{string.Join(", ", shape)}], which no file can hold.");
            needed *= size;
        }

        var (from, to) = (offsets[0], offsets[1]);
        if (to < from || to > bytes) throw new CheckpointException(file, name, $"lies at {from}–{to}, outside the file's {bytes} data bytes.");
        if (to - from != needed) throw new CheckpointException(file, name, $"has {to - from} bytes; its shape and type need {needed}.");
        return new TensorPlace(file, name, type.Value, [.. shape], from, needed);
    }

    private static List<long>? Numbers(ref Utf8JsonReader reader, int most)
    {
        if (reader.TokenType != JsonTokenType.StartArray) return null;
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var number) || number < 0 || numbers.Count == most) return null;
            numbers.Add(number);
        }

        return numbers;
    }

    private static List<TensorPlace> Ordered(string file, List<TensorPlace> places, long start, long end)
    {
        var sorted = places.OrderBy(place => place.Offset).ThenBy(place => place.Length).ThenBy(place => place.Name, StringComparer.Ordinal).ToList();
        var at = 0L;
        var before = "the header";
        for (var i = 0; i < sorted.Count; i++)
        {
            var place = sorted[i];
            if (place.Offset < at) throw new CheckpointException(file, place.Name, $"overlaps {before}.");
            if (place.Offset > at) throw new CheckpointException(file, place.Name, $"lies {place.Offset - at} bytes behind {before}: a file has no gaps.");
            (at, before) = (place.Offset + place.Length, place.Name);
            sorted[i] = place with { Offset = place.Offset + start };
        }

        return at == end - start ? sorted : throw new CheckpointException(file, "", $"has {end - start - at} bytes behind {before} that belong to no tensor.");
    }

    private static string Shown(string? text) => text is null ? "that is no text" : text.Length > 40 ? text[..40] + "…" : text;

    private static ScalarType? TypeOf(string? name) => name switch
    {
        "F32" => ScalarType.Float32,
        "F16" => ScalarType.Float16,
        "BF16" => ScalarType.BFloat16,
        "F64" => ScalarType.Float64,
        "I64" => ScalarType.Int64,
        "I32" => ScalarType.Int32,
        "I16" => ScalarType.Int16,
        "I8" => ScalarType.Int8,
        "U8" => ScalarType.Byte,
        "BOOL" => ScalarType.Bool,
        _ => null,
    };
}
