namespace XInstruct.Training.Chat.Jinja;

/// <summary>What one rendering may use: a template comes from whoever made the model and is not trusted.</summary>
internal sealed class Limits(long most)
{
    /// <summary>Characters of any text.</summary>
    public const int LongestText = 1 << 24;

    /// <summary>Macros inside each other.</summary>
    public const int DeepestCall = 100;

    private const int CharactersAStep = 64;

    private long _used;

    /// <summary>Uses up steps.</summary>
    /// <exception cref="TemplateError">None is left.</exception>
    public void Step(long count = 1)
    {
        if (count < 0 || (_used += count) > most) throw new TemplateError($"the template took more than {most} steps");
    }

    /// <summary>Uses up the steps of making a text.</summary>
    /// <exception cref="TemplateError">It would be too long.</exception>
    public void Text(long length)
    {
        if (length > LongestText) throw new TemplateError($"a text would be longer than {LongestText} characters");
        Step(length / CharactersAStep);
    }
}
