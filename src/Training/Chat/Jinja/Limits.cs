namespace XInstruct.Training.Chat.Jinja;

/// <summary>What one rendering may use: a template comes from whoever made the model and is not trusted.</summary>
internal sealed class Limits(long most)
{
    /// <summary>Characters of any text.</summary>
    public const int LongestText = 1 << 24;

    /// <summary>Macros inside each other.</summary>
    public const int DeepestCall = 100;

    private const int CharactersAStep = 16;

    // A value may hold one part a million times, so walking, comparing and writing values count too, and they have no rendering at hand.
    [ThreadStatic]
    private static Limits? _current;

    private long _used;

    /// <summary>Runs a rendering with these limits, on this thread.</summary>
    public T Run<T>(Func<T> render)
    {
        _current = this;
        try
        {
            return render();
        }
        finally
        {
            _current = null;
        }
    }

    /// <summary>Uses up a step, and those of reading or making a text, of the rendering that runs on this thread.</summary>
    public static void StepOfCurrent(int characters = 0) => _current?.Step(1 + (characters / CharactersAStep));

    /// <summary>Uses up steps.</summary>
    /// <exception cref="TemplateError">None is left.</exception>
    public void Step(long count = 1)
    {
        if (count < 0 || (_used += count) > most) throw new TemplateError($"the template took more than {most} steps");
    }

    /// <summary>Uses up the steps of a list of so many new items, of the rendering that runs on this thread.</summary>
    public static void ItemsOfCurrent(int count) => _current?.Step(1L + count);

    /// <summary>Uses up the steps of making a text, of the rendering that runs on this thread.</summary>
    public static void TextOfCurrent(int length) => _current?.Text(length);

    /// <summary>Uses up the steps of making a text; below 0 it is as none.</summary>
    /// <exception cref="TemplateError">It would be too long.</exception>
    public void Text(long length) => Grow(0, length);

    /// <summary>Uses up the steps of adding to a text.</summary>
    /// <exception cref="TemplateError">It would become too long.</exception>
    public void Grow(long length, long by)
    {
        if (length + by > LongestText) throw new TemplateError($"a text would be longer than {LongestText} characters");
        Step(Math.Max(0, by) / CharactersAStep);
    }
}
