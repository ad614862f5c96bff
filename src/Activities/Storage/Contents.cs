using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Marten;
using Npgsql;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Storage;

/// <summary>A text, instruction, prompt, act or recipe on its way into the contents table.</summary>
/// <param name="Hash">Content hash of the plain text.</param>
/// <param name="Source">Source whose key protects it and whose withdrawal removes it; <see cref="Guid.Empty"/> for what no source owns.</param>
/// <param name="Text">Plain text.</param>
public sealed record Content(string Hash, Guid Source, string Text)
{
    /// <summary>Content of a plain text.</summary>
    public static Content Of(Guid source, string text) => new(ContentHash.Of(text), source, text);
}

/// <summary>
/// The table <c>xi_contents</c>: key (hash, source), the bytes, and a nonce when the source is withdrawable; then the bytes are AES-256-GCM
/// ciphertext and tag under the source's key in <c>xi_source_keys</c>, and destroying that key withdraws the source with every hash chain intact.
/// </summary>
public sealed class Contents(NpgsqlDataSource database)
{
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private readonly ConcurrentDictionary<Guid, byte[]?> _keys = [];

    /// <summary>Creates the tables when they are missing; one process at a time.</summary>
    public async Task CreateTablesAsync(CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var command = connection.CreateCommand();
        command.CommandText = $"""
            create schema if not exists {StoreConfiguration.Schema};
            create table if not exists {StoreConfiguration.Schema}.xi_contents (
                hash bytea not null, source uuid not null, nonce bytea null, bytes bytea not null, primary key (hash, source));
            create table if not exists {StoreConfiguration.Schema}.xi_source_keys (source uuid primary key, key bytea null);
            """;
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Makes a source withdrawable: from now on its contents are stored under a key of its own.</summary>
    public async Task ProtectAsync(Guid source, CancellationToken ct)
    {
        await using var command = database.CreateCommand(
            $"insert into {StoreConfiguration.Schema}.xi_source_keys (source, key) values ($1, $2) on conflict do nothing");
        command.Parameters.Add(new NpgsqlParameter { Value = source });
        command.Parameters.Add(new NpgsqlParameter { Value = RandomNumberGenerator.GetBytes(32) });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Queues rows for the session's transaction: a content row is committed with its event or not at all.</summary>
    public async Task QueueAsync(IDocumentSession session, IEnumerable<Content> contents, CancellationToken ct)
    {
        // Sorted by key, so that two transactions that write the same rows wait for each other and never deadlock.
        var rows = contents.DistinctBy(c => (c.Hash, c.Source)).OrderBy(c => c.Hash, StringComparer.Ordinal).ThenBy(c => c.Source).ToList();
        if (rows.Count == 0) return;
        var nonces = new byte[]?[rows.Count];
        var bytes = new byte[rows.Count][];
        for (var i = 0; i < rows.Count; i++) (nonces[i], bytes[i]) = Seal(rows[i], await KeyAsync(rows[i].Source, ct));
        session.QueueSqlCommand(
            $"insert into {StoreConfiguration.Schema}.xi_contents (hash, source, nonce, bytes) select * from unnest(?, ?, ?, ?) on conflict do nothing",
            rows.Select(r => Convert.FromHexString(r.Hash)).ToArray(), rows.Select(r => r.Source).ToArray(), nonces, bytes);
    }

    /// <summary>Reads plain texts by hash. A withdrawn text is missing from the result.</summary>
    /// <exception cref="TamperedException">A stored text does not have the hash that names it.</exception>
    public async Task<IReadOnlyDictionary<string, string>> ReadAsync(IReadOnlyCollection<string> hashes, CancellationToken ct)
    {
        var texts = new Dictionary<string, string>(hashes.Count, StringComparer.Ordinal);
        if (hashes.Count == 0) return texts;
        await foreach (var row in ReadRowsAsync(hashes, ct))
        {
            if (await OpenAsync(row, ct) is { } plain) texts[row.Hash] = plain;
        }

        return texts;
    }

    /// <summary>Rows by hash, as they are stored.</summary>
    internal async IAsyncEnumerable<StoredContent> ReadRowsAsync(IEnumerable<string> hashes, [EnumeratorCancellation] CancellationToken ct)
    {
        await using var command = database.CreateCommand(
            $"select hash, source, nonce, bytes from {StoreConfiguration.Schema}.xi_contents where hash = any($1)");
        command.Parameters.Add(new NpgsqlParameter { Value = hashes.Distinct(StringComparer.Ordinal).Select(Convert.FromHexString).ToArray() });
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var nonce = await reader.IsDBNullAsync(2, ct) ? null : reader.GetFieldValue<byte[]>(2);
            yield return new StoredContent(Convert.ToHexStringLower(reader.GetFieldValue<byte[]>(0)), reader.GetGuid(1), nonce, reader.GetFieldValue<byte[]>(3));
        }
    }

    /// <summary>Plain text of a row; null when its source is withdrawn.</summary>
    /// <exception cref="TamperedException">It does not have the hash that names it.</exception>
    internal async Task<string?> OpenAsync(StoredContent row, CancellationToken ct) =>
        Open(row.Bytes, row.Nonce, row.Hash, row.Source, row.Nonce is null ? null : await KeyAsync(row.Source, ct));

    /// <summary>Reads one plain text.</summary>
    /// <exception cref="TamperedException">It is missing, or not what its hash says.</exception>
    public async Task<string> ReadAsync(string hash, CancellationToken ct) =>
        (await ReadAsync([hash], ct)).GetValueOrDefault(hash)
        ?? throw new TamperedException($"Content {hash} is not in {StoreConfiguration.Schema}.xi_contents. Run 'xinstruct audit verify' to see what else is missing.");

    private async Task<byte[]?> KeyAsync(Guid source, CancellationToken ct)
    {
        if (source == Guid.Empty) return null;
        if (_keys.TryGetValue(source, out var known)) return known;
        await using var command = database.CreateCommand($"select key from {StoreConfiguration.Schema}.xi_source_keys where source = $1");
        command.Parameters.Add(new NpgsqlParameter { Value = source });
        return _keys[source] = await command.ExecuteScalarAsync(ct) as byte[];
    }

    private static (byte[]? Nonce, byte[] Bytes) Seal(Content content, byte[]? key)
    {
        var plain = Encoding.UTF8.GetBytes(content.Text);
        if (key is null) return (null, plain);
        var nonce = RandomNumberGenerator.GetBytes(NonceBytes);
        var sealedBytes = new byte[plain.Length + TagBytes];
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(nonce, plain, sealedBytes.AsSpan(0, plain.Length), sealedBytes.AsSpan(plain.Length), Convert.FromHexString(content.Hash));
        return (nonce, sealedBytes);
    }

    /// <summary>Plain text of a stored row; null when its key is destroyed.</summary>
    private static string? Open(byte[] bytes, byte[]? nonce, string hash, Guid source, byte[]? key)
    {
        var plain = bytes;
        if (nonce is not null)
        {
            if (key is null) return null;
            try
            {
                plain = new byte[bytes.Length - TagBytes];
                using var aes = new AesGcm(key, TagBytes);
                aes.Decrypt(nonce, bytes.AsSpan(0, plain.Length), bytes.AsSpan(plain.Length), plain, Convert.FromHexString(hash));
            }
            catch (Exception e) when (e is CryptographicException or OverflowException or ArgumentException)
            {
                throw new TamperedException($"Content {hash} of source {source} in xi_contents cannot be decrypted: its bytes, nonce or key changed.", e);
            }
        }

        return ContentHash.Of(plain) == hash
            ? Encoding.UTF8.GetString(plain)
            : throw new TamperedException($"Content {hash} of source {source} in xi_contents has changed: its bytes have the hash {ContentHash.Of(plain)}.");
    }
}

/// <summary>A row of xi_contents.</summary>
/// <param name="Nonce">Null for plain bytes.</param>
internal sealed record StoredContent(string Hash, Guid Source, byte[]? Nonce, byte[] Bytes);

/// <summary>Something stored is not what its hash says.</summary>
public sealed class TamperedException(string message, Exception? inner = null) : Exception(message, inner);
