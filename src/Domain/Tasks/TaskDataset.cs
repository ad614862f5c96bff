using XInstruct.Domain.Languages;

namespace XInstruct.Domain.Tasks;

/// <summary>A data set with what it takes over from its cluster.</summary>
public sealed class TaskDataset
{
    private readonly RegistryDataset _entry;
    private readonly RegistryCluster _cluster;
    private readonly Dictionary<string, TaskLanguage> _languages;

    /// <summary>A data set of a registry and the cluster that it names.</summary>
    public TaskDataset(RegistryDataset entry, RegistryCluster cluster)
    {
        ArgumentNullException.ThrowIfNull(entry);
        ArgumentNullException.ThrowIfNull(cluster);
        (_entry, _cluster) = (entry, cluster);
        // Words of a cluster's labels serve a data set that has labels of its own too, where they have the same names.
        _languages = cluster.Languages.ToDictionary(language => language.Lang, StringComparer.Ordinal);
        foreach (var own in entry.Languages) _languages[own.Lang] = own;
        Licence = Licence.Of(entry.Licence, entry.Commercial, entry.Derivatives);
    }

    /// <summary>Name, as in a dataset_name column.</summary>
    public string Name => _entry.Name;

    /// <summary>Name as people write it.</summary>
    public string Title => _entry.Title.Length > 0 ? _entry.Title : _entry.Name;

    /// <summary>Cluster that it is held out with.</summary>
    public string Cluster => _cluster.Name;

    /// <summary>Understanding or writing.</summary>
    public TaskKind Kind => _entry.Kind ?? _cluster.Kind;

    /// <summary>What may be done with it.</summary>
    public Licence Licence { get; }

    /// <summary>Where it comes from.</summary>
    public string? Link => _entry.Link;

    /// <summary>Language of its rows; null when it has several.</summary>
    public string? Lang => _entry.Lang;

    /// <summary>Parts of a row that prompts use.</summary>
    public IReadOnlyList<string> Fields => _entry.Fields.Count > 0 ? _entry.Fields : _cluster.Fields;

    /// <summary>Labels by their English names; empty when answers are free or each row has choices of its own.</summary>
    public IReadOnlyList<string> Labels => _entry.Labels.Count > 0 ? _entry.Labels : _entry.Choices is null ? _cluster.Labels : [];

    /// <summary>Column of a row's own choices.</summary>
    public string? ChoicesColumn => _entry.Choices;

    /// <summary>Column of the right answer.</summary>
    public string AnswerColumn => _entry.Answer;

    /// <summary>What stands there.</summary>
    public AnswerForm AnswerIs => _entry.AnswerIs;

    /// <summary>Column of the row's id.</summary>
    public string? IdColumn => _entry.Id;

    /// <summary>Words that have nothing to do with the labels.</summary>
    public IReadOnlyList<string> Unrelated => _entry.Unrelated;

    /// <summary>Languages of which there are words.</summary>
    public IReadOnlyCollection<string> Languages => _languages.Keys;

    /// <summary>Prompts.</summary>
    public IReadOnlyList<TaskTemplate> Templates => _entry.Templates.Count > 0 ? _entry.Templates : _cluster.Templates;

    /// <summary>Column of a field.</summary>
    public string ColumnOf(string field) => _entry.Columns.GetValueOrDefault(field, field);

    /// <summary>Label of what stands in the answer column; what no value names is a label already.</summary>
    public string LabelOf(string answer) => _entry.Values.GetValueOrDefault(answer, answer);

    /// <summary>Words of a language.</summary>
    /// <exception cref="TaskRegistryException">The registry has none.</exception>
    public TaskLanguage Words(string language) => FindWords(language)
        ?? throw new TaskRegistryException($"The data set {Name} has no words in the language '{language}'. It has some in {string.Join(", ", _languages.Keys)}; a registry file adds others.");

    /// <summary>Words of a language; null when there are none.</summary>
    public TaskLanguage? FindWords(string language) =>
        _languages.GetValueOrDefault(language) ?? (Language.TryParse(language, out var parsed) ? _languages.GetValueOrDefault(parsed.Primary) : null);

    /// <summary>Word of a label in a language; the label itself where nobody translated it.</summary>
    public string LabelWord(string label, string language) =>
        FindWords(language)?.Labels.GetValueOrDefault(label)
        ?? _cluster.Languages.FirstOrDefault(words => words.Lang == language)?.Labels.GetValueOrDefault(label)
        ?? label;

    /// <summary>The prompt of the published question-translation and few-shot data: a line "word: text" for each field, then the answer's word, a colon and an open quote.</summary>
    /// <exception cref="TaskRegistryException">The registry has no words of the language, or not all.</exception>
    /// <exception cref="KeyNotFoundException">A field has no text.</exception>
    public string WordPrompt(string language, IReadOnlyDictionary<string, string> fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        var words = Words(language);
        return $"{string.Concat(Fields.Select(field => $"{Word(field)}: {fields[field]}\n"))}{Word("answer")}: \"";

        string Word(string of) => words.Words.GetValueOrDefault(of) ?? throw new TaskRegistryException($"The data set {Name} has no word for '{of}' in the language '{language}'.");
    }

    /// <summary>Few-shot lines of a language: each prompt with its answer and the closing quote.</summary>
    /// <param name="language">Language of the lines.</param>
    /// <param name="answer">Word of a label; null for the registry's.</param>
    public IEnumerable<string> ShotLines(string language, Func<string, string>? answer = null) =>
        Words(language).Shots.Select(shot => $"{WordPrompt(language, shot.Fields)}{(answer ?? (label => LabelWord(label, language)))(shot.Answer)}\"");
}

/// <summary>A registry lacks what was asked for, or names what there is not.</summary>
public sealed class TaskRegistryException(string message) : Exception(message);
