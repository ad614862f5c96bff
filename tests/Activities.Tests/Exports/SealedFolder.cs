using System.Text.Json;
using XInstruct.Activities.Exports;
using XInstruct.Activities.Releases;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;

namespace XInstruct.Activities.Tests.Exports;

/// <summary>A sealed release of texts that are hard on formats, and a folder to export it to.</summary>
public sealed class SealedFolder : IDisposable
{
    private static readonly string[] Hard =
    [
        "a,b;\"quoted\"\ttab", "two\nlines\r\nand three", "  white space around  ", "", "\"", "=1+1", "[1, 2]", "ไทย हिन्दी Türkçe 🙂 e\u0301", "\u202Eright to left\u200F \u0007 \u2028", "{instruction} <script>alert(1)</script> &amp; \\n",
    ];

    public SealedFolder(int rows = 40, params string[] languages)
    {
        foreach (var language in languages is [] ? ["sw", "th"] : languages) Rows[language] = [.. Enumerable.Range(0, rows).Select(i => Row(language, i))];
        var store = new FileStore(Root);
        Reader = new ReleaseReader(store);
        Folder = Path.Combine(store.Releases("small-1"), "1");
        Directory.CreateDirectory(Folder);
        var files = new List<ReleaseFile>();
        foreach (var (language, table) in Rows)
        {
            byte[] bytes = [.. table.SelectMany(r => (byte[])[.. JsonSerializer.SerializeToUtf8Bytes(r, EventJson.Options), (byte)'\n'])];
            File.WriteAllBytes(Path.Combine(Folder, language + ".jsonl"), bytes);
            files.Add(new ReleaseFile(language + ".jsonl", bytes.Length, ContentHash.Of(bytes), table.Count));
        }

        var manifest = JsonSerializer.SerializeToUtf8Bytes(new Manifest(1, "small", 1, "", "", files), EventJson.Options);
        File.WriteAllBytes(Path.Combine(Folder, "manifest.json"), manifest);
        Run = new Run { Name = "small-1", RecipeName = "small", Languages = [.. Rows.Keys], Release = new ReleaseSealed(1, ContentHash.Of(manifest), "", "", files) };
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("xi-export-").FullName;

    /// <summary>Where the sealed files lie.</summary>
    public string Folder { get; }

    public ReleaseReader Reader { get; }

    public Run Run { get; }

    public SortedDictionary<string, IReadOnlyList<ReleaseRow>> Rows { get; } = new(StringComparer.Ordinal);

    public string Out(string name) => Path.Combine(Root, "out", name);

    public Task<Export> ExportAsync(string format, string target, params string[] languages) =>
        new ReleaseExporter(Reader).ExportAsync(Run, ExportFormat.Find(format)!, target, languages, CancellationToken.None);

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private static ReleaseRow Row(string language, int i) => new(
        $"Write {i}: {Hard[i % Hard.Length]}", Hard[(i + 3) % Hard.Length] + i, language, new Guid(i, 2, 3, [1, 2, 3, 4, 5, 6, 7, 8]), i / 7.0, i % 5, i % 3, i * 5_000_000_000L, new Guid(9, 9, 9, new byte[8]), i);
}
