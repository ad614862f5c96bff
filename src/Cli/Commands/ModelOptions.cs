using System.CommandLine;
using XInstruct.Activities.Models;
using XInstruct.Activities.Serving;
using XInstruct.Training.Generation;

namespace XInstruct.Cli.Commands;

/// <summary>Options of commands that load a model and answer with it.</summary>
internal sealed class ModelOptions
{
    private readonly Argument<string> _model = new("model") { Description = "Model folder in Hugging Face's layout." };
    private readonly Option<string?> _adapter = new("--adapter") { Description = "Folder of an adapter in PEFT's layout that is put on the model." };
    private readonly Option<string?> _device = new("--device") { Description = "Where the model lies. Default: the GPU where there is one." };
    private readonly Option<string?> _type = new("--type") { Description = "Type of the weights. Default: float32 on the CPU, bfloat16 on a GPU." };
    private readonly Option<string?> _quantize = new("--quantize") { Description = "Hold the layers' matrices in 4 or 8 bits." };
    private readonly Option<string?> _template = new("--chat-template") { Description = "Chat template (Jinja) in place of the model's: a file, or the template itself." };
    private readonly Option<int> _context = JobOptions.Number("--max-context", 0, 0, 1 << 24, "Tokens of a prompt and its reply together; 0 for what the model was made for.");
    private readonly Option<int> _threads = JobOptions.Number("--threads", Environment.ProcessorCount, 1, 1024, "Threads of the tensor library. Default: one a core.");

    public ModelOptions()
    {
        _device.AcceptOnlyFromAmong([.. ModelFolder.Devices]);
        _type.AcceptOnlyFromAmong([.. ModelFolder.Types]);
        _quantize.AcceptOnlyFromAmong([.. ModelFolder.Quantizations]);
    }

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Arguments.Add(_model);
        foreach (var option in (Option[])[_adapter, _template, _context, _threads, _device, _type, _quantize]) command.Options.Add(option);
    }

    /// <summary>What they say; the engine's rows and budget are the command's.</summary>
    public ModelHostOptions Read(ParseResult result, EngineOptions engine, string? name = null) => new(new ModelFolder(
        result.GetValue(_model)!, result.GetValue(_adapter), result.GetValue(_device), result.GetValue(_type), result.GetValue(_quantize)))
    {
        ChatTemplate = result.GetValue(_template),
        Name = name,
        Engine = engine with { MaxContext = result.GetValue(_context) is > 0 and var given ? given : null, Threads = result.GetValue(_threads) },
    };
}
