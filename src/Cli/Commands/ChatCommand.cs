using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using XInstruct.Activities.Serving;
using XInstruct.Cli.Chat;
using XInstruct.Cli.Hosting;
using XInstruct.Training.Generation;

namespace XInstruct.Cli.Commands;

/// <summary><c>chat</c>: a conversation with a local model.</summary>
internal static class ChatCommand
{
    /// <summary>Its name: it handles its signals itself.</summary>
    public const string Name = "chat";

    public static Command Create()
    {
        var model = new ModelOptions();
        var system = new Option<string?>("--system") { Description = "What the system says first." };
        var temperature = JobOptions.Share("--temperature", 0.7, 0, 100, "Divides the logits; 0 takes the most probable token.");
        var topP = JobOptions.Share("--top-p", 1, 0, 1, "Keeps the smallest set of most probable tokens that has this probability.");
        var topK = JobOptions.Number("--top-k", 0, 0, 1 << 20, "Keeps so many of the most probable tokens; 0 keeps all.");
        var minP = JobOptions.Share("--min-p", 0, 0, 1, "Drops tokens less probable than this share of the most probable one.");
        var penalty = JobOptions.Share("--repetition-penalty", 1, 0.01, 100, "Makes tokens seen before less probable; 1 does nothing.");
        var most = JobOptions.Number("--max-new-tokens", 1024, 1, 1 << 20, "Longest reply in tokens.");
        var seed = new Option<ulong?>("--seed") { Description = "Seed of the first reply; the next ones follow. Default: another each time." };
        var command = new Command(Name, "Talks with a local model. Works in a pipe too: a message a line in, a reply a line out.") { system, temperature, topP, topK, minP, penalty, most, seed };
        model.AddTo(command);
        command.SetAction(async (result, _) =>
        {
            // One conversation: a row, and steps long enough for its prompt.
            var options = model.Read(result, new EngineOptions { MaxRows = 1, TokenBudget = 512 });
            var sampling = new SamplingOptions
            {
                Temperature = result.GetValue(temperature),
                TopP = result.GetValue(topP),
                TopK = result.GetValue(topK),
                MinP = result.GetValue(minP),
                RepetitionPenalty = result.GetValue(penalty),
            };
            var settings = new ChatSettings(sampling, result.GetValue(most), result.GetValue(seed) ?? BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)));
            await TalkAsync(options, settings, result.GetValue(system), result.GetValue(CommonOptions.Json), CommonOptions.Deployment(result));
            return ExitCodes.Ok;
        });
        return command.WithExamples(
            "xinstruct chat models/tiny",
            "xinstruct chat models/base --adapter models/mine --system 'Answer in Swahili.' --temperature 0.3",
            "echo 'Habari?' | xinstruct chat models/tiny --temperature 0");
    }

    private static async Task TalkAsync(ModelHostOptions options, ChatSettings settings, string? system, bool isJson, DeploymentOptions deployment)
    {
        using var loggers = Logging.Create(deployment);
        var isTerminal = !Console.IsInputRedirected && !Console.IsOutputRedirected;
        var screen = new ChatScreen(isTerminal, isJson);
        using var host = ModelHost.Load(options);
        if (host.Model.Chat.Note is { } note) screen.Note($"note: {note}");
        using var session = new ChatSession(host.Model, settings, system, screen);
        if (isTerminal) screen.Note(string.Create(CultureInfo.InvariantCulture, $"{host.Model.Name}: {host.Parameters / 1e6:F1} M parameters on {host.Device}, {host.Model.Context} tokens of context. /help says what there is."));
        using var piped = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false));
        await session.RunAsync(new ChatInput(isTerminal ? new LineEditor().Read : _ => piped.ReadLine()));
        await Serilog.Log.CloseAndFlushAsync();
    }
}
