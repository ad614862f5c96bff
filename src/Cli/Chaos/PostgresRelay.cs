using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace XInstruct.Cli.Chaos;

/// <summary>
/// Stands between processes and the user's PostgreSQL, so that the server can seem to go away without anybody else feeling it. When connections are cut
/// a commit may have been done whose answer never comes.
/// </summary>
internal sealed class PostgresRelay : IAsyncDisposable
{
    private const int Port = 5432;

    private readonly NpgsqlConnectionStringBuilder _named;
    private readonly EndPoint _server, _own;
    private readonly string? _folder;
    private readonly ConcurrentDictionary<Socket, byte> _open = [];
    private Socket? _listener;
    private Task _accepting = Task.CompletedTask;

    /// <summary>Listens at once.</summary>
    /// <param name="server">Connection string of the user's server.</param>
    public PostgresRelay(string server)
    {
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

    /// <summary>Whether a text is a connection string of the same server.</summary>
    public bool IsServerOf(string value)
    {
        try
        {
            var other = new NpgsqlConnectionStringBuilder(value);
            return (other.Host, other.Port) == (_named.Host, _named.Port);
        }
        catch (ArgumentException)
        {
            return false;
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
            await Task.WhenAny(near.CopyToAsync(far), far.CopyToAsync(near));
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
}
