using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Npgsql;

namespace XInstruct.Cli.Chaos;

/// <summary>
/// Stands between processes and the user's PostgreSQL, so that the server can seem to go away without anybody else feeling it. When connections are cut
/// a commit may have been done whose answer never comes.
/// </summary>
internal sealed class PostgresRelay : IAsyncDisposable
{
    private const int Port = 5432;
    private static readonly string[] Writes = ["COMMIT", "INSERT", "UPDATE", "DELETE", "COPY"];

    private readonly NpgsqlConnectionStringBuilder _named;
    private readonly EndPoint _server, _own;
    private readonly string? _folder;
    private readonly ConcurrentDictionary<Socket, byte> _open = [];
    private readonly Lock _lock = new();
    private readonly Random _random;
    private Socket? _listener;
    private Task _accepting = Task.CompletedTask;

    /// <summary>Listens at once.</summary>
    /// <param name="server">Connection string of the user's server.</param>
    /// <param name="seed">Seed of the answers that are lost.</param>
    public PostgresRelay(string server, int seed)
    {
        _random = new Random(seed);
        _named = new NpgsqlConnectionStringBuilder(server);
        var host = _named.Host!;
        if (host.StartsWith('/'))
        {
            // Whoever reaches the server by its socket may do anything there: nobody else gets to this one.
            _folder = Directory.CreateTempSubdirectory("xi-chaos-").FullName;
            _server = new UnixDomainSocketEndPoint(Path.Combine(host, $".s.PGSQL.{_named.Port}"));
            _own = new UnixDomainSocketEndPoint(Path.Combine(_folder, $".s.PGSQL.{Port}"));
            Listen();
        }
        else
        {
            _server = new DnsEndPoint(host, _named.Port);
            _own = new IPEndPoint(IPAddress.Loopback, 0);
            Listen();
            _own = _listener!.LocalEndPoint!;
        }
    }

    /// <summary>
    /// Share of writes, commits and handshakes, 0 to 1, after which a connection that is made from now on breaks instead of carrying the answer. Encrypted ones are
    /// left alone: nobody here can read them.
    /// </summary>
    public double Losses { get; set; }

    /// <summary>Answers that were lost.</summary>
    public int Lost { get; private set; }

    /// <summary>Whether a text is a connection string of the same server, by whatever name.</summary>
    public bool IsServerOf(string value)
    {
        try
        {
            var other = new NpgsqlConnectionStringBuilder(value);
            return other.Port == _named.Port && (other.Host == _named.Host || Addresses(other.Host).Intersect(Addresses(_named.Host)).Any());
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static IPAddress[] Addresses(string? host)
    {
        try
        {
            return string.IsNullOrEmpty(host) || host.StartsWith('/') ? [] : Dns.GetHostAddresses(host);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            return [];
        }
    }

    /// <summary>A connection string that leads through here, to another database.</summary>
    public string Through(string connection, string database) => new NpgsqlConnectionStringBuilder(connection)
    {
        Host = _folder ?? IPAddress.Loopback.ToString(),
        Port = _own is IPEndPoint own ? own.Port : Port,
        Database = database,
    }.ConnectionString;

    /// <summary>Cuts all connections, in the middle of whatever they carry.</summary>
    public void Cut()
    {
        foreach (var socket in _open.Keys) socket.Dispose();
    }

    /// <summary>Cuts all connections, and refuses new ones for a while.</summary>
    public async Task GoAwayAsync(TimeSpan time)
    {
        await CloseAsync();
        Cut();
        await Task.Delay(time);
        Listen();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        Cut();
        if (_folder is not null) Directory.Delete(_folder, recursive: true);
    }

    private void Listen()
    {
        var listener = new Socket(_own.AddressFamily, SocketType.Stream, _own is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified);
        if (_own is IPEndPoint) listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(_own);
        listener.Listen(512);
        (_listener, _accepting) = (listener, AcceptAsync(listener));
    }

    private async Task CloseAsync()
    {
        _listener?.Dispose();
        await _accepting;
        if (_own is UnixDomainSocketEndPoint) File.Delete(_own.ToString()!);
    }

    private async Task AcceptAsync(Socket listener)
    {
        try
        {
            while (true) _ = CarryAsync(await listener.AcceptAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It was closed.
        }
    }

    private async Task CarryAsync(Socket client)
    {
        using var server = _server is DnsEndPoint ? new Socket(SocketType.Stream, ProtocolType.Tcp) : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _open[client] = _open[server] = 0;
        try
        {
            await server.ConnectAsync(_server);
            await using var near = new NetworkStream(client);
            await using var far = new NetworkStream(server);
            await Task.WhenAny(near.CopyToAsync(far), Losses > 0 ? AnswerAsync(far, near) : far.CopyToAsync(near));
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
        {
            // Cut, or the server is not there: the client sees the same.
        }
        finally
        {
            _open.TryRemove(client, out _);
            _open.TryRemove(server, out _);
            client.Dispose();
        }
    }

    /// <summary>
    /// Carries the server's messages until one is to be lost. Each has a letter and a length of four bytes, which counts itself
    /// (https://www.postgresql.org/docs/15/protocol-message-formats.html); before the first one, a single letter answers a wish for encryption.
    /// </summary>
    private async Task AnswerAsync(NetworkStream server, NetworkStream client)
    {
        var reader = PipeReader.Create(server);
        for (var isStart = true; ;)
        {
            var read = await reader.ReadAsync();
            var rest = read.Buffer;
            while (!rest.IsEmpty)
            {
                var letter = (char)rest.FirstSpan[0];
                if (isStart && letter is not ('R' or 'E'))
                {
                    await WriteAsync(client, rest.Slice(0, 1));
                    rest = rest.Slice(1);
                    if (letter == 'N') continue;
                    await WriteAsync(client, rest);
                    reader.AdvanceTo(rest.End);
                    await reader.CopyToAsync(client);
                    return;
                }

                isStart = false;
                if (rest.Length < 5 || rest.Length < LengthOf(rest)) break;
                var message = rest.Slice(0, LengthOf(rest));
                if ((letter == 'R' || (letter == 'C' && IsWrite(message.Slice(5)))) && IsLost()) return;
                await WriteAsync(client, message);
                rest = rest.Slice(message.End);
            }

            reader.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted) return;
        }
    }

    private static long LengthOf(ReadOnlySequence<byte> message)
    {
        Span<byte> length = stackalloc byte[4];
        message.Slice(1, 4).CopyTo(length);
        return 1 + (long)BinaryPrimitives.ReadUInt32BigEndian(length);
    }

    private static bool IsWrite(ReadOnlySequence<byte> tag)
    {
        var text = Encoding.ASCII.GetString(tag);
        return Writes.Any(w => text.StartsWith(w, StringComparison.Ordinal));
    }

    private bool IsLost()
    {
        lock (_lock)
        {
            if (_random.NextDouble() >= Losses) return false;
            Lost++;
            return true;
        }
    }

    private static async Task WriteAsync(NetworkStream stream, ReadOnlySequence<byte> bytes)
    {
        foreach (var part in bytes) await stream.WriteAsync(part);
    }
}
