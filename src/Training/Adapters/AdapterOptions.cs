using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using XInstruct.Training.Models;

namespace XInstruct.Training.Adapters;

/// <summary>What an adapter adds to a model, in the words of PEFT's adapter_config.json.</summary>
public sealed record AdapterOptions
{
    /// <summary>The name of every linear layer but the output matrix.</summary>
    public const string AllLinear = "all-linear";

    private static readonly JsonSerializerOptions s_format = new() { WriteIndented = true, NewLine = "\n" };

    // What PEFT can do besides; each changes what an adapter computes.
    private static readonly string[] s_refused =
        ["alpha_pattern", "rank_pattern", "layer_replication", "layers_pattern", "layers_to_transform", "modules_to_save", "exclude_modules", "target_parameters", "trainable_token_indices", "use_dora", "lora_bias", "use_qalora"];

    /// <summary>Rank of the update.</summary>
    [Range(1, 4096)]
    public int Rank { get; init; } = 16;

    /// <summary>α: with the rank it gives the <see cref="Scaling"/>.</summary>
    [Range(1e-3, 1e6)]
    public double Alpha { get; init; } = 32;

    /// <summary>Divide α by the root of the rank (Kalajdzievski 2023) and not by the rank.</summary>
    public bool UsesRootScaling { get; init; }

    /// <summary>Dropout of a layer's input on its way into the update.</summary>
    [Range(0, 0.99)]
    public double Dropout { get; init; }

    /// <summary>
    /// Layers that get an update: those whose name is, or ends with a dot and, one of these; or one text, which is <see cref="AllLinear"/> or a
    /// regular expression that matches a whole name.
    /// </summary>
    public IReadOnlyList<string> Targets { get; init; } = [AllLinear];

    /// <summary>Whether <see cref="Targets"/> is a regular expression.</summary>
    public bool TargetsArePattern { get; init; }

    /// <summary>The model that the adapter is for, as its users name it.</summary>
    public string? BaseModel { get; init; }

    /// <summary>What the update is multiplied by.</summary>
    public double Scaling => Alpha / (UsesRootScaling ? Math.Sqrt(Rank) : Rank);

    /// <summary>Whether a layer gets an update.</summary>
    internal bool Covers(string layer, bool isOutput)
    {
        if (TargetsArePattern) return Regex.IsMatch(layer, $"^(?:{Targets[0]})$", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
        return Targets is [AllLinear] ? !isOutput : Targets.Any(target => Names(target, layer));
    }

    /// <summary>Whether a target means a layer.</summary>
    internal static bool Names(string target, string layer) => layer == target || layer.EndsWith("." + target, StringComparison.Ordinal);

    /// <summary>Reads adapter_config.json.</summary>
    /// <exception cref="ModelConfigException">A field is missing, wrong, or asks for what is not built here.</exception>
    internal static AdapterOptions Load(string path) => ConfigFields.Read(path, root => Read(new ConfigFields(path, root), root));

    /// <summary>adapter_config.json as PEFT reads it.</summary>
    internal string ToJson()
    {
        var json = new JsonObject
        {
            ["alpha_pattern"] = new JsonObject(),
            ["auto_mapping"] = null,
            ["base_model_name_or_path"] = BaseModel,
            ["bias"] = "none",
            ["fan_in_fan_out"] = false,
            ["inference_mode"] = true,
            ["init_lora_weights"] = true,
            ["lora_alpha"] = Alpha == Math.Truncate(Alpha) ? JsonValue.Create((long)Alpha) : JsonValue.Create(Alpha),
            ["lora_dropout"] = Dropout,
            ["modules_to_save"] = null,
            ["peft_type"] = "LORA",
            ["r"] = Rank,
            ["rank_pattern"] = new JsonObject(),
            ["target_modules"] = TargetsArePattern || Targets is [AllLinear] ? Targets[0] : new JsonArray([.. Targets.Order(StringComparer.Ordinal).Select(t => (JsonNode)t)]),
            ["task_type"] = "CAUSAL_LM",
            ["use_dora"] = false,
            ["use_rslora"] = UsesRootScaling,
        };
        return json.ToJsonString(s_format) + "\n";
    }

    private static AdapterOptions Read(ConfigFields fields, JsonElement root)
    {
        var type = fields.Text("peft_type") ?? throw fields.Error("peft_type", "is missing.");
        if (type != "LORA") throw fields.Error("peft_type", $"is '{type}'; only LORA is built here.");
        if ((fields.Text("bias") ?? "none") != "none") throw fields.Error("bias", $"is '{fields.Text("bias")}'; adapters with biases are not built here.");
        foreach (var field in s_refused)
        {
            if (root.TryGetProperty(field, out var value) && !IsEmpty(value)) throw fields.Error(field, "is set; adapters with it are not built here.");
        }

        var rank = fields.Count("r");
        if (rank > 4096) throw fields.Error("r", $"is {rank}; at most 4096.");
        if (!fields.Has("target_modules")) throw fields.Error("target_modules", "is missing.");
        var targets = root.GetProperty("target_modules");
        var pattern = targets.ValueKind == JsonValueKind.String && targets.GetString() != AllLinear;
        string[] names = targets.ValueKind switch
        {
            JsonValueKind.String => [targets.GetString()!],
            JsonValueKind.Array when targets.GetArrayLength() is > 0 and <= 1000 && targets.EnumerateArray().All(t => t.ValueKind == JsonValueKind.String) =>
                [.. targets.EnumerateArray().Select(t => t.GetString()!)],
            _ => throw fields.Error("target_modules", "must be a text or an array of up to 1000 of them."),
        };
        if (pattern && !IsPattern(names[0])) throw fields.Error("target_modules", $"is '{names[0]}', which is no regular expression.");
        var dropout = root.TryGetProperty("lora_dropout", out var share) && share.ValueKind == JsonValueKind.Number ? share.GetDouble() : 0;
        if (dropout is not (>= 0 and < 1)) throw fields.Error("lora_dropout", $"is {dropout}; it must be from 0 to below 1.");
        return new AdapterOptions
        {
            Rank = rank,
            Alpha = fields.Number("lora_alpha") ?? 8,
            UsesRootScaling = fields.Flag("use_rslora"),
            Dropout = dropout,
            Targets = names,
            TargetsArePattern = pattern,
            BaseModel = fields.Text("base_model_name_or_path"),
        };
    }

    private static bool IsEmpty(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => true,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        JsonValueKind.Array => value.GetArrayLength() == 0,
        _ => false,
    };

    private static bool IsPattern(string text)
    {
        try
        {
            _ = new Regex(text, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
