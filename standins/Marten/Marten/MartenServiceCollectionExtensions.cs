using JasperFx.Events.Daemon;
using Marten.Daemon;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Marten;


/// <summary>Registers a store with a host.</summary>
public static class MartenServiceCollectionExtensions
{
    public static MartenConfigurationExpression AddMarten(this IServiceCollection services, string connectionString) =>
        services.AddMarten(options => options.Connection(connectionString));

    public static MartenConfigurationExpression AddMarten(this IServiceCollection services, StoreOptions options) => services.AddMarten(_ => options);

    public static MartenConfigurationExpression AddMarten(this IServiceCollection services, Action<StoreOptions> configure)
    {
        var options = new StoreOptions();
        configure(options);
        return services.AddMarten(_ => options);
    }

    public static MartenConfigurationExpression AddMarten(this IServiceCollection services, Func<IServiceProvider, StoreOptions> optionSource)
    {
        var expression = new MartenConfigurationExpression(services);
        services.AddSingleton<IDocumentStore>(provider =>
        {
            var options = optionSource(provider);
            if (expression.InjectsDataSource) options.Connection(provider.GetRequiredService<NpgsqlDataSource>());
            return new DocumentStore(options);
        });
        services.AddScoped(provider => provider.GetRequiredService<IDocumentStore>().QuerySession());
        services.AddScoped(provider => expression.OpensLightweight
            ? provider.GetRequiredService<IDocumentStore>().LightweightSession()
            : provider.GetRequiredService<IDocumentStore>().IdentitySession());
        return expression;
    }

    /// <summary>Further set-up of a registered store.</summary>
    public class MartenConfigurationExpression
    {
        internal MartenConfigurationExpression(IServiceCollection services) => Services = services;

        public IServiceCollection Services { get; }

        internal bool OpensLightweight { get; private set; }

        internal bool InjectsDataSource { get; private set; }

        public MartenConfigurationExpression UseLightweightSessions()
        {
            OpensLightweight = true;
            return this;
        }

        public MartenConfigurationExpression UseIdentitySessions()
        {
            OpensLightweight = false;
            return this;
        }

        public MartenConfigurationExpression UseNpgsqlDataSource(object? serviceKey = null)
        {
            if (serviceKey is not null) throw new NotSupportedException("Keyed data sources are not built here.");
            InjectsDataSource = true;
            return this;
        }

        public MartenConfigurationExpression ApplyAllDatabaseChangesOnStartup()
        {
            // First of all hosted services: others may use the store when they start.
            Services.Insert(0, ServiceDescriptor.Singleton<IHostedService>(provider => new SchemaStartup(provider.GetRequiredService<IDocumentStore>())));
            return this;
        }

        public MartenConfigurationExpression AddAsyncDaemon(DaemonMode mode)
        {
            if (mode is DaemonMode.Solo or DaemonMode.HotCold)
            {
                Services.AddSingleton<IHostedService>(provider => new DaemonHost(
                    (DocumentStore)provider.GetRequiredService<IDocumentStore>(), mode, provider.GetRequiredService<ILoggerFactory>().CreateLogger("Marten.Daemon")));
            }

            return this;
        }
    }

    private sealed class SchemaStartup(IDocumentStore store) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => store.Storage.ApplyAllConfiguredChangesToDatabaseAsync();

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
