using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using XInstruct.Activities.Serving;
using XInstruct.Training.Chat;
using XInstruct.Training.Generation;

namespace XInstruct.Cli.Chat;

/// <summary>How replies are written.</summary>
/// <param name="Sampling">How the next token is chosen.</param>
/// <param name="MaxNewTokens">Longest reply.</param>
/// <param name="Seed">Seed of the first reply.</param>
internal sealed record ChatSettings(SamplingOptions Sampling, int MaxNewTokens, ulong Seed);

/// <summary>A conversation between somebody who types and a model. Ctrl-C stops the reply that is under way.</summary>
internal sealed class ChatSession : IDisposable
{
    private const string Help = """
        /help            this
        /reset           forget the conversation
        /system [text]   what the system says first; without a text: nothing
        /save <file>     write the conversation as JSON
        /exit            leave, as Ctrl-D does
        A line that ends in \ goes on in the next; lines between two lines of three quotes belong together. Ctrl-C stops a reply.
        """;

    private readonly ServedModel _model;
    private readonly ChatSettings _settings;
    private readonly Conversation _conversation;
    private readonly ChatScreen _screen;
    private readonly PosixSignalRegistration _interrupt;
    private readonly Lock _gate = new();
    private CancellationTokenSource? _reply;
    private ulong _replies;

    public ChatSession(ServedModel model, ChatSettings settings, string? system, ChatScreen screen)
    {
        (_model, _settings, _conversation, _screen) = (model, settings, new Conversation(system), screen);
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
    }

    /// <summary>Answers until there is no more input, or /exit.</summary>
    public async Task RunAsync(ChatInput input)
    {
        while (input.Read() is { } typed)
        {
            if (typed.IsCommand)
            {
                if (!Obey(typed.Text.Trim())) return;
            }
            else if (!string.IsNullOrWhiteSpace(typed.Text))
            {
                await AnswerAsync(typed.Text);
            }
        }
    }

    public void Dispose() => _interrupt.Dispose();

    /// <summary>Does what a command says; whether the chat goes on.</summary>
    private bool Obey(string line)
    {
        var space = line.IndexOf(' ', StringComparison.Ordinal);
        var (command, rest) = space < 0 ? (line, "") : (line[..space], line[space..].Trim());
        switch (command)
        {
            case "/exit" or "/quit" or "/bye":
                return false;
            case "/help":
                _screen.Note(Help);
                break;
            case "/reset":
                _conversation.Reset();
                _screen.Note("Forgotten.");
                break;
            case "/system":
                _conversation.System = rest.Length == 0 ? null : rest;
                _screen.Note(rest.Length == 0 ? "The system says nothing." : "The system says so from now on.");
                break;
            case "/save":
                Save(rest);
                break;
            default:
                _screen.Note($"There is no {command}. /help says what there is; a message that begins with a slash goes between lines of three quotes.");
                break;
        }

        return true;
    }

    private void Save(string path)
    {
        if (path.Length == 0)
        {
            _screen.Note("/save needs the name of a file.");
            return;
        }

        try
        {
            _conversation.Save(path);
            _screen.Note($"{_conversation.Messages.Count} messages are in {path}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            _screen.Note($"{path} cannot be written: {e.Message}");
        }
    }

    private async Task AnswerAsync(string text)
    {
        _conversation.Say("user", text);
        if (Prompt() is not { } prompt)
        {
            _conversation.TakeBack();
            return;
        }

        using var stop = new CancellationTokenSource();
        lock (_gate) _reply = stop;
        var (reply, written, finish, begun) = (new StringBuilder(), 0, "stopped", Stopwatch.GetTimestamp());
        var request = new TextRequest(prompt, Math.Min(_settings.MaxNewTokens, _model.Context - prompt.Length), _settings.Sampling, _settings.Seed + _replies++, _model.Chat.Stops);
        try
        {
            await foreach (var step in _model.Writer.WriteAsync(request, stop.Token))
            {
                // Spaces before the first word are the template's.
                var piece = reply.Length == 0 ? step.Text.TrimStart() : step.Text;
                reply.Append(piece);
                _screen.Write(piece);
                written += step.Written;
                finish = step.Finish ?? finish;
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // What was said until then stays said.
        }
        finally
        {
            lock (_gate) _reply = null;
        }

        _conversation.Say("assistant", reply.ToString());
        _screen.End(new ChatAnswer(reply.ToString(), finish, prompt.Length, written, Stopwatch.GetElapsedTime(begun)));
    }

    /// <summary>The tokens of the conversation, of which the oldest part is forgotten when there is no room for a reply; null when it cannot be answered.</summary>
    private int[]? Prompt()
    {
        var room = Math.Min(_settings.MaxNewTokens, Math.Max(1, _model.Context / 4));
        try
        {
            var prompt = _model.Chat.Encode(_conversation.Messages);
            for (var forgotten = 0; prompt.Length + room > _model.Context && _conversation.ForgetOldest(); forgotten++)
            {
                if (forgotten == 0) _screen.Note("The conversation is longer than the model's context; its beginning is forgotten.");
                prompt = _model.Chat.Encode(_conversation.Messages);
            }

            if (prompt.Length < _model.Context) return prompt;
            _screen.Note($"The message is too long: {prompt.Length} tokens, where the model reads and writes {_model.Context} together. It is forgotten.");
        }
        catch (ChatTemplateException e)
        {
            _screen.Note($"The model's chat template does not take this: {e.Problem}");
        }

        return null;
    }

    private void Interrupt(PosixSignalContext context)
    {
        context.Cancel = true;
        lock (_gate)
        {
            if (_reply is not null)
            {
                _reply.Cancel();
                return;
            }
        }

        _screen.Note("/exit or Ctrl-D leaves.");
    }
}
