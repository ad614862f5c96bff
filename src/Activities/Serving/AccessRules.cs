using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using XInstruct.Activities.Serving.Protocol;

namespace XInstruct.Activities.Serving;

/// <summary>
/// Who may ask. Host must be an address or a name of this machine: a page in somebody's browser that had its own name point here is turned away.
/// With a token every request but /health and /ready needs it.
/// </summary>
/// <param name="next">The rest of the pipeline.</param>
/// <param name="options">The token and names.</param>
internal sealed class AccessRules(RequestDelegate next, ServingOptions options)
{
    private readonly byte[]? _token = options.Token is { } token ? SHA256.HashData(Encoding.UTF8.GetBytes(token)) : null;

    /// <summary>Handles a request.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        var host = context.Request.Host.Host;
        if (!IsOurs(host)) throw new ApiException(403, $"'{(host.Length <= 100 ? host : host[..100] + "…")}' is not this server's name. --allowed-host adds one.", code: "unknown_host");
        if (_token is not null && !IsOpen(context.Request.Path) && !IsToken(context.Request.Headers.Authorization.ToString()))
            throw new ApiException(401, "The header 'Authorization: Bearer …' lacks or has the wrong key.", code: "invalid_api_key", type: "authentication_error");
        return next(context);
    }

    private static bool IsOpen(PathString path) => path == "/health" || path == "/ready";

    private bool IsOurs(string host) => IPAddress.TryParse(host.Trim('[', ']'), out _)
        || host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || host.Equals(Environment.MachineName, StringComparison.OrdinalIgnoreCase)
        || options.AllowedHosts.Contains(host, StringComparer.OrdinalIgnoreCase);

    private bool IsToken(string header)
    {
        const string scheme = "Bearer ";
        return header.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(header[scheme.Length..].Trim())), _token);
    }
}
