using System.CommandLine;
using XInstruct.Activities.Serving;
using XInstruct.Training.Generation;

namespace XInstruct.Cli.Commands;

/// <summary>Options of commands that load a model and write with it.</summary>
internal sealed class ModelOptions
{
    private const int MostThreads = 1024;

    public Argument<string> Folder { get; } = new("model") { Description = "Model folder: config.json, safetensors, tokenizer." };

    public Option<string?> Adapter { get; } = new("--adapter") { Description = "Folder of an adapter in PEFT's layout that is put on the model." };

    public Option<string?> ChatTemplate { get; } = new("--chat-template") { Description = "Chat template (Jinja) in place of the model's: a file, or the template itself." };

    public Option<int?> MaxContext { get; } = new("--max-context") { Description = "Tokens of a prompt and its reply together. Default: what the model was made for." };

    public Option<int> Threads { get; } = new("--threads") { Description = "Threads of the tensor library.", DefaultValueFactory = _ => Environment.ProcessorCount };

    public Option<string?> Device { get; } = new("--device") { Description = "cpu or cuda. Default: cuda where there is one." };

    public ModelOptions()
    {
        Device.AcceptOnlyFromAmong("cpu", "cuda");
        Within(MaxContext, 2, 1 << 24);
        Within(Threads, 1, MostThreads);
    }

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Arguments.Add(Folder);
        foreach (var option in new Option[] { Adapter, ChatTemplate, MaxContext, Threads, Device }) command.Options.Add(option);
    }

    /// <summary>What they say; the engine's rows and budget are the command's.</summary>
    public ModelHostOptions Read(ParseResult result, EngineOptions engine, string? name = null) => new(result.GetValue(Folder)!)
    {
        Adapter = result.GetValue(Adapter),
        ChatTemplate = result.GetValue(ChatTemplate),
        Device = result.GetValue(Device),
        Name = name,
        Engine = engine with { MaxContext = result.GetValue(MaxContext), Threads = result.GetValue(Threads) },
    };

    /// <summary>Refuses numbers that are out of range.</summary>
    public static void Within<T>(Option<T> option, int least, int most) => option.Validators.Add(r =>
    {
        if (r.Tokens.Count > 0 && (!int.TryParse(r.Tokens[0].Value, out var value) || value < least || value > most)) r.AddError($"{option.Name} must be a whole number from {least} to {most}.");
    });
}
