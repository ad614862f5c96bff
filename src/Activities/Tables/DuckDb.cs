using System.Runtime.InteropServices;

namespace XInstruct.Activities.Tables;

/// <summary>As much of DuckDB's C API (duckdb.org/docs/stable/clients/c) as running statements takes.</summary>
internal static partial class DuckDb
{
    private const string Library = "duckdb";

    /// <summary>A text as an SQL literal.</summary>
    public static string Quote(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>Runs statements, one after the other, in a database in memory that is gone afterwards.</summary>
    /// <returns>The first error; empty when there was none.</returns>
    /// <exception cref="DllNotFoundException">The library is missing.</exception>
    public static string Run(params ReadOnlySpan<string> statements)
    {
        if (Open(null, out var database) != 0) return "DuckDB cannot open a database.";
        var connection = IntPtr.Zero;
        try
        {
            if (Connect(database, out connection) != 0) return "DuckDB cannot connect to its database.";
            foreach (var sql in statements)
            {
                var state = Query(connection, sql, out var result);
                var error = state == 0 ? "" : Marshal.PtrToStringUTF8(ResultError(ref result)) ?? "unknown error";
                DestroyResult(ref result);
                if (error.Length > 0) return error;
            }

            return "";
        }
        finally
        {
            if (connection != IntPtr.Zero) Disconnect(ref connection);
            Close(ref database);
        }
    }

    // duckdb_result: three counts and three pointers, none of them for callers.
    [StructLayout(LayoutKind.Sequential, Size = 48)]
    private struct Result;

    [LibraryImport(Library, EntryPoint = "duckdb_open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string? path, out IntPtr database);

    [LibraryImport(Library, EntryPoint = "duckdb_connect")]
    private static partial int Connect(IntPtr database, out IntPtr connection);

    [LibraryImport(Library, EntryPoint = "duckdb_query", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Query(IntPtr connection, string sql, out Result result);

    [LibraryImport(Library, EntryPoint = "duckdb_result_error")]
    private static partial IntPtr ResultError(ref Result result);

    [LibraryImport(Library, EntryPoint = "duckdb_destroy_result")]
    private static partial void DestroyResult(ref Result result);

    [LibraryImport(Library, EntryPoint = "duckdb_disconnect")]
    private static partial void Disconnect(ref IntPtr connection);

    [LibraryImport(Library, EntryPoint = "duckdb_close")]
    private static partial void Close(ref IntPtr database);
}
