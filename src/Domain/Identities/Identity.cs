using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace XInstruct.Domain.Identities;

/// <summary>
/// The permanent identities (docs/formats.md). A sample's id depends on its language and text alone, a stream's id on the run too.
/// </summary>
public static class Identity
{
    private static readonly Guid Languages = NameUuid.Of(NameUuid.Root, "language");
    private static readonly Guid Runs = NameUuid.Of(NameUuid.Root, "run");
    private static readonly Guid Models = NameUuid.Of(NameUuid.Root, "model");
    private static readonly Guid Jobs = NameUuid.Of(NameUuid.Root, "job");

    /// <summary>Sample id = UUIDv5(language, SHA-256 of the normalised text's UTF-8 bytes).</summary>
    /// <param name="language">Canonical language code.</param>
    /// <param name="normalisedText">What <c>TextNormalizer.Normalize</c> returned.</param>
    public static Guid Sample(string language, string normalisedText) =>
        Sample(language, SHA256.HashData(Encoding.UTF8.GetBytes(normalisedText)));

    /// <summary>Sample id from the 32 bytes of the normalised text's SHA-256.</summary>
    public static Guid Sample(string language, ReadOnlySpan<byte> normalisedTextHash) =>
        NameUuid.Of(NameUuid.Of(Languages, language), normalisedTextHash);

    /// <summary>Source id = UUIDv5(language, "source" and the SHA-256 of the file, lower-case hex).</summary>
    public static Guid Source(string language, string fileHash) =>
        NameUuid.Of(NameUuid.Of(Languages, language), "source:" + fileHash);

    /// <summary>The run's own event stream.</summary>
    public static Guid RunStream(string run) => NameUuid.Of(Runs, run);

    /// <summary>Stream id = UUIDv5(run, sample id or source id).</summary>
    public static Guid Stream(string run, Guid subject)
    {
        Span<byte> name = stackalloc byte[16];
        subject.TryWriteBytes(name, bigEndian: true, out _);
        return NameUuid.Of(RunStream(run), name);
    }

    /// <summary>A trained model's stream: UUIDv5 of the hash of everything that decided its training.</summary>
    public static Guid ModelStream(string trainingKey) => NameUuid.Of(Models, trainingKey);

    /// <summary>A job's stream: UUIDv5 of the hash of its canonical recipe.</summary>
    public static Guid JobStream(string recipe) => NameUuid.Of(Jobs, recipe);

    /// <summary>The stream of a part of a job's stage: UUIDv5(job stream, stage and number as <c>stage/number</c>).</summary>
    public static Guid JobPartStream(string recipe, string stage, int part) => NameUuid.Of(JobStream(recipe), string.Create(CultureInfo.InvariantCulture, $"{stage}/{part}"));

    /// <summary>The stream of an endpoint's answer in a job: UUIDv5(job stream, <c>stage/reply/key</c>).</summary>
    public static Guid JobReplyStream(string recipe, string stage, string key) => NameUuid.Of(JobStream(recipe), $"{stage}/reply/{key}");

    /// <summary>Order of samples everywhere: by the 16 bytes of the id, as written.</summary>
    public static int Compare(Guid left, Guid right)
    {
        Span<byte> a = stackalloc byte[16], b = stackalloc byte[16];
        left.TryWriteBytes(a, bigEndian: true, out _);
        right.TryWriteBytes(b, bigEndian: true, out _);
        return a.SequenceCompareTo(b);
    }

    /// <summary>Half (0 or 1) of the corpus that a sample belongs to in cross-fitting: the last bit of its id.</summary>
    public static int Half(Guid sample)
    {
        Span<byte> bytes = stackalloc byte[16];
        sample.TryWriteBytes(bytes, bigEndian: true, out _);
        return bytes[15] & 1;
    }
}
