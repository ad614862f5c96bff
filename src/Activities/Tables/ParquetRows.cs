using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace XInstruct.Activities.Tables;

/// <summary>
/// Parquet's rows as JSONL, whatever its compression, encodings and nesting. DuckDB reads it and writes into a named pipe: no more is read than is asked
/// for, and nothing is kept.
/// </summary>
internal static partial class ParquetRows
{
    // rw for the owner.
    private const uint PipeMode = 0x180;

    /// <summary>How every Parquet file begins.</summary>
    public static ReadOnlySpan<byte> Magic => "PAR1"u8;

    /// <summary>Rows of a file, in its order.</summary>
    /// <exception cref="IOException">It is no Parquet, or DuckDB's library is missing.</exception>
    public static async IAsyncEnumerable<TableRow> ReadAsync(string path, TableReadOptions options, [EnumeratorCancellation] CancellationToken ct)
    {
        var folder = Directory.CreateTempSubdirectory("xi-parquet-");
        try
        {
            // DuckDB takes names for patterns; these have none in them.
            var (table, pipe) = (Path.Combine(folder.FullName, "rows.parquet"), Path.Combine(folder.FullName, "rows.jsonl"));
            File.CreateSymbolicLink(table, Path.GetFullPath(path));
            if (MakePipe(pipe, PipeMode) != 0) throw new IOException($"No pipe can be made in {folder.FullName}: error {Marshal.GetLastPInvokeError()}.");
            // Open for both, neither end waits to be opened, and reading does not end before this one is closed.
            await using var keeper = new FileStream(pipe, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 1);
            var lines = new FileStream(pipe, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1);
            var copying = Task.Run(
                () =>
                {
                    using (keeper) return Copy(table, pipe);
                },
                CancellationToken.None);
            var (error, number) = ("", 0L);
            try
            {
                await foreach (var row in JsonRows.LinesAsync(new ByteWindow(lines), options, ct))
                {
                    // Damage in the middle of the file; its last line may be whole or not.
                    if (row.Problem == "truncated") break;
                    yield return row;
                    number = row.Number + 1;
                }
            }
            finally
            {
                // Without a reader the copying ends, too.
                await lines.DisposeAsync();
                await keeper.DisposeAsync();
                // It may only now begin to wait for one.
                while (await Task.WhenAny(copying, Task.Delay(100, CancellationToken.None)) != copying)
                {
                    await new FileStream(pipe, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 1).DisposeAsync();
                }

                error = await copying;
            }

            if (error.Length > 0 && number == 0) throw new TableFileException($"As Parquet it cannot be read: {error}");
            if (error.Length > 0) yield return new TableRow(number, null, "truncated");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Copies the table into the pipe.</summary>
    /// <returns>Why it could not; empty when it could.</returns>
    private static string Copy(string table, string pipe)
    {
        // JSON has no NaN and no infinity: they are nulls. A moment is written in UTC, wherever this runs.
        var source = $"read_parquet({DuckDb.Quote(table)}, hive_partitioning = false)";
        try
        {
            return DuckDb.Run(
                "set threads = 1",
                "set autoinstall_known_extensions = false",
                "set timezone = 'UTC'",
                $$"""
                set variable columns = (
                    select coalesce('* replace (' || string_agg(format('case when isfinite({0}) then {0} end as {0}', '"' || replace(column_name, '"', '""') || '"'), ', ') || ')', '*')
                    from (describe from {{source}}) where column_type in ('FLOAT', 'DOUBLE'))
                """,
                $"copy (from query('select ' || getvariable('columns') || {DuckDb.Quote(" from " + source)})) to {DuckDb.Quote(pipe)} (format json, use_tmp_file false)");
        }
        catch (DllNotFoundException)
        {
            return "DuckDB's library is missing. 'eng/npm/fetch' fetches it; then build again by './xinstruct'.";
        }
    }

    [LibraryImport("libc", EntryPoint = "mkfifo", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakePipe(string path, uint mode);
}
