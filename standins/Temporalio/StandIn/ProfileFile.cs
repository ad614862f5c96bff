using System.Globalization;
using System.Text;
using Temporalio.Common.EnvConfig;

namespace Temporalio.StandIn;

/// <summary>
/// The file of profiles: tables, strings, booleans and comments of TOML. Numbers, dates, arrays and inline tables mean nothing in it and are refused.
/// </summary>
internal sealed class ProfileFile
{
    private static readonly string[] Known = ["address", "namespace", "api_key"];

    private readonly Dictionary<string, Dictionary<string, string>> tables = new(StringComparer.Ordinal);
    private readonly string text;
    private int at;

    private ProfileFile(string text) => this.text = text.Replace("\r\n", "\n", StringComparison.Ordinal);

    public static InvalidOperationException Error(string problem) => new($"Configuration loading error: {problem}");

    /// <summary>Name of a header as it is sent.</summary>
    public static string Header(string key) => key.ToLowerInvariant().Replace('_', '-');

    public static IReadOnlyDictionary<string, ClientEnvConfig.Profile> Load(DataSource? source, bool strict, IReadOnlyDictionary<string, string> variables)
    {
        var bytes = source?.Data;
        if (bytes is null)
        {
            var path = source?.Path ?? (variables.GetValueOrDefault("TEMPORAL_CONFIG_FILE") is { Length: > 0 } named ? named : Path.Combine(
                Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData), "temporalio", "temporal.toml"));
            bytes = File.Exists(path) ? File.ReadAllBytes(path) : [];
        }
        var file = new ProfileFile(Encoding.UTF8.GetString(bytes));
        file.Read();
        return file.Profiles(strict);
    }

    private Dictionary<string, ClientEnvConfig.Profile> Profiles(bool strict)
    {
        var names = tables.Keys.Where(t => t.StartsWith("profile\0", StringComparison.Ordinal)).Select(t => t.Split('\0')[1]).Distinct(StringComparer.Ordinal);
        return names.ToDictionary(
            n => n,
            n =>
            {
                var own = tables.GetValueOrDefault($"profile\0{n}") ?? [];
                if (strict && own.Keys.Except(Known).FirstOrDefault() is { } unknown)
                {
                    throw Error($"unknown field `{unknown}`");
                }
                return new ClientEnvConfig.Profile(
                    own.GetValueOrDefault("address"), own.GetValueOrDefault("namespace"), own.GetValueOrDefault("api_key"), Tls(tables.GetValueOrDefault($"profile\0{n}\0tls")),
                    (tables.GetValueOrDefault($"profile\0{n}\0grpc_meta") ?? []).ToDictionary(m => Header(m.Key), m => m.Value, StringComparer.Ordinal));
            },
            StringComparer.Ordinal);
    }

    private static ClientEnvConfig.Tls? Tls(Dictionary<string, string>? table) => table is null ? null : new(
        table.TryGetValue("disabled", out var disabled) ? disabled == "true" : null,
        table.GetValueOrDefault("server_name"), Source(table, "server_ca_cert"), Source(table, "client_cert"), Source(table, "client_key"));

    private static DataSource? Source(Dictionary<string, string> table, string name)
    {
        var (path, data) = (table.GetValueOrDefault(name + "_path"), table.GetValueOrDefault(name + "_data"));
        if (path is not null && data is not null)
        {
            throw Error($"Cannot specify both {name}_path and {name}_data");
        }
        return path is not null ? DataSource.FromPath(path) : data is { Length: > 0 } ? DataSource.FromUTF8String(data) : null;
    }

    private void Read()
    {
        var table = Table([]);
        for (Blank(lines: true); at < text.Length; Blank(lines: true))
        {
            if (text[at] == '[')
            {
                at++;
                table = Table(Keys());
                Expect(']');
            }
            else
            {
                var keys = Keys();
                Expect('=');
                Blank();
                var value = Value();
                if (!(keys.Count == 1 ? table : throw Problem("dotted keys are not supported")).TryAdd(keys[0], value))
                {
                    throw Problem($"duplicate key `{keys[0]}`");
                }
            }
            Blank();
            if (at < text.Length && text[at] != '\n')
            {
                throw Problem("expected the end of the line");
            }
        }
    }

    private Dictionary<string, string> Table(List<string> path)
    {
        var key = string.Join('\0', path);
        if (!tables.TryGetValue(key, out var table))
        {
            tables[key] = table = new(StringComparer.Ordinal);
        }
        return table;
    }

    private List<string> Keys()
    {
        var keys = new List<string>();
        do
        {
            Blank();
            var start = at;
            if (at < text.Length && text[at] is '"' or '\'')
            {
                keys.Add(Value());
            }
            else
            {
                while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] is '_' or '-'))
                {
                    at++;
                }
                keys.Add(at > start ? text[start..at] : throw Problem("expected a key"));
            }
            Blank();
        }
        while (Take("."));
        return keys;
    }

    private string Value()
    {
        if (Take("true"))
        {
            return "true";
        }
        if (Take("false"))
        {
            return "false";
        }
        foreach (var quote in (string[])["\"\"\"", "'''", "\"", "'"])
        {
            if (Take(quote))
            {
                return Text(quote);
            }
        }
        throw Problem("expected a string or a boolean");
    }

    private string Text(string quote)
    {
        var value = new StringBuilder();
        var isLong = quote.Length == 3;
        if (isLong)
        {
            Take("\n");
        }
        while (!Take(quote))
        {
            if (at >= text.Length || (!isLong && text[at] == '\n'))
            {
                throw Problem("unterminated string");
            }
            value.Append(text[at] == '\\' && quote[0] == '"' ? Escape() : text[at++].ToString());
        }
        return value.ToString();
    }

    private string Escape()
    {
        at++;
        var letter = at < text.Length ? text[at++] : '\0';
        var digits = letter switch { 'u' => 4, 'U' => 8, _ => 0 };
        if (digits > 0 && at + digits <= text.Length && int.TryParse(text.AsSpan(at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code) && Rune.IsValid(code))
        {
            at += digits;
            return new Rune(code).ToString();
        }
        return letter switch { 'n' => "\n", 't' => "\t", 'r' => "\r", '"' => "\"", '\\' => "\\", _ => throw Problem("invalid escape") };
    }

    private void Blank(bool lines = false)
    {
        while (at < text.Length && (text[at] is ' ' or '\t' || (lines && text[at] == '\n') || text[at] == '#'))
        {
            at = text[at] != '#' ? at + 1 : text.IndexOf('\n', at) is >= 0 and var end ? end : text.Length;
        }
    }

    private void Expect(char sign)
    {
        Blank();
        if (!Take(sign.ToString()))
        {
            throw Problem($"expected `{sign}`");
        }
    }

    private bool Take(string what)
    {
        if (string.CompareOrdinal(text, at, what, 0, what.Length) != 0)
        {
            return false;
        }
        at += what.Length;
        return true;
    }

    private InvalidOperationException Problem(string problem) =>
        Error(string.Create(CultureInfo.InvariantCulture, $"TOML parse error at line {text.AsSpan(0, Math.Min(at, text.Length)).Count('\n') + 1}: {problem}"));
}
