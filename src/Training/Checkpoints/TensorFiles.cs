using System.Text.Json;

namespace XInstruct.Training.Checkpoints;

/// <summary>Where the tensors of a folder lie: in one safetensors file, or in shards that an index names.</summary>
internal static class TensorFiles
{
    public const string Single = "model.safetensors";
    public const string Index = "model.safetensors.index.json";
    private const long MaxIndex = 32 << 20;

    /// <summary>Reads the headers of a folder's weights.</summary>
    /// <exception cref="CheckpointException">A file is missing, cut, damaged, or not as the index says.</exception>
    public static Dictionary<string, TensorPlace> Places(string folder)
    {
        var single = Path.Combine(folder, Single);
        if (File.Exists(single)) return Safetensors.ReadHeader(single).ToDictionary(p => p.Name, StringComparer.Ordinal);
        var index = Path.Combine(folder, Index);
        if (!File.Exists(index)) throw new CheckpointException(folder, "", $"has neither {Single} nor {Index}.");
        if (new FileInfo(index).Length > MaxIndex) throw new CheckpointException(index, "", $"is larger than {MaxIndex} bytes.");
        var map = Map(index);
        var places = new Dictionary<string, TensorPlace>(StringComparer.Ordinal);
        foreach (var file in map.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            if (file.Length == 0 || file is "." or ".." || Path.GetFileName(file) != file)
                throw new CheckpointException(index, "", $"names the file '{file}': shards must lie beside their index.");
            var path = Path.Combine(folder, file);
            if (!File.Exists(path)) throw new CheckpointException(index, "", $"names {file}, which does not exist.");
            foreach (var place in Safetensors.ReadHeader(path))
            {
                if (map.GetValueOrDefault(place.Name) != file) throw new CheckpointException(path, place.Name, "is not what the index says of this file.");
                places[place.Name] = place;
            }
        }

        var absent = map.Keys.Where(name => !places.ContainsKey(name)).Order(StringComparer.Ordinal).Select(name => (name, $"is in the index but not in {map[name]}.")).ToList();
        return absent.Count == 0 ? places : throw new CheckpointException(index, absent);
    }

    private static Dictionary<string, string> Map(string index)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            var reader = new Utf8JsonReader(File.ReadAllBytes(index), new JsonReaderOptions { MaxDepth = 8 });
            var found = false;
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new CheckpointException(index, "", "is no JSON object.");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isMap = reader.ValueTextEquals("weight_map");
                reader.Read();
                if (!isMap)
                {
                    reader.Skip();
                    continue;
                }

                if (found || reader.TokenType != JsonTokenType.StartObject) throw new CheckpointException(index, "", "has no usable weight_map.");
                found = true;
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    var name = reader.GetString()!;
                    reader.Read();
                    if (reader.TokenType != JsonTokenType.String) throw new CheckpointException(index, name, "is mapped to no file name.");
                    if (!map.TryAdd(name, reader.GetString()!)) throw new CheckpointException(index, name, "is there twice.");
                }
            }

            return found ? map : throw new CheckpointException(index, "", "has no weight_map.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new CheckpointException(index, "", "is not JSON: " + e.Message);
        }
    }
}
