using System.Text.Json;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Jobs;

/// <summary>A part of a stage, being done: where it writes what it gives.</summary>
public sealed class JobWork : IAsyncDisposable
{
    private readonly string _path;
    private readonly Heartbeat _heartbeat;
    private readonly FileStream _file;

    internal JobWork(string stage, int part, string path, Heartbeat heartbeat)
    {
        (Stage, Part, _path, _heartbeat) = (stage, part, path, heartbeat);
        _file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16, useAsync: true);
    }

    /// <summary>The stage.</summary>
    public string Stage { get; }

    /// <summary>Number of the part in its stage, from 0.</summary>
    public int Part { get; }

    /// <summary>Where to write what is no JSONL; <see cref="Rows"/> then says how many rows it has.</summary>
    public Stream Stream => _file;

    /// <summary>Rows written.</summary>
    public long Rows { get; set; }

    /// <summary>What the part's models are run on: a device, or an endpoint's address and model.</summary>
    public string? Device { get; set; }

    /// <summary>Tokens and money that it took.</summary>
    public Cost Cost { get; private set; }

    /// <summary>Writes a row, as a line of JSON with the members in the order of their declaration.</summary>
    public async Task WriteAsync<T>(T row, CancellationToken ct)
    {
        await _file.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(row, EventJson.Options), ct);
        _file.WriteByte((byte)'\n');
        Rows++;
        Advance();
    }

    /// <summary>Tells that the work goes on.</summary>
    public void Advance(long by = 1) => _heartbeat.Advance(by);

    /// <summary>Adds to what the part took.</summary>
    public void Charge(Cost cost) => Cost = new Cost(Cost.TokensIn + cost.TokensIn, Cost.TokensOut + cost.TokensOut, Cost.Usd + cost.Usd);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _file.DisposeAsync();
        File.Delete(_path);
    }

    /// <summary>Nothing more is written: brings it to the store.</summary>
    internal async Task<(string Sha256, long Bytes)> StoreAsync(FileStore files, CancellationToken ct)
    {
        await _file.DisposeAsync();
        return await files.PutFileAsync(_path, ct);
    }
}
