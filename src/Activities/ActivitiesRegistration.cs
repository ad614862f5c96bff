using Marten;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using XInstruct.Activities.Audit;
using XInstruct.Activities.Chains;
using XInstruct.Activities.Corpora;
using XInstruct.Activities.Curation;
using XInstruct.Activities.DataSheets;
using XInstruct.Activities.Diversification;
using XInstruct.Activities.Encoders;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Evaluation;
using XInstruct.Activities.Exports;
using XInstruct.Activities.Generation;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Models;
using XInstruct.Activities.Rating;
using XInstruct.Activities.Releases;
using XInstruct.Activities.Reports;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Selection;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Training;
using XInstruct.Activities.Tuning;

namespace XInstruct.Activities;

/// <summary>The one entry point of this project.</summary>
public static class ActivitiesRegistration
{
    /// <summary>Registers the store, the shared directory, the activities and the reports.</summary>
    /// <param name="services">Service collection.</param>
    /// <param name="connectionString">Npgsql connection string of the event store.</param>
    /// <param name="directory">Directory that all workers share.</param>
    public static IServiceCollection AddXInstructActivities(this IServiceCollection services, string connectionString, string directory)
    {
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(_ => NpgsqlDataSource.Create(connectionString));
        services.AddSingleton<IDocumentStore>(_ => DocumentStore.For(options => StoreConfiguration.Configure(options, connectionString)));
        services.AddSingleton(_ => new FileStore(directory));
        services.AddSingleton<Contents>().AddSingleton<EventWriter>().AddSingleton<EventLog>().AddSingleton<SampleReader>().AddSingleton<RunReader>();
        services.AddSingleton<RunLibrary>().AddSingleton<ModelLibrary>().AddSingleton<EncoderLibrary>().AddSingleton<RunStarter>().AddSingleton<RunSteering>();
        services.AddSingleton<RunReporter>().AddSingleton<RunPulseReader>().AddSingleton<ObstacleReader>().AddSingleton<FailureReader>().AddSingleton<WorkerRegister>();
        services.AddSingleton<AuditVerifier>().AddSingleton<AuditTrail>().AddSingleton<SampleReplay>();
        services.AddSingleton<ReleaseRebuilder>().AddSingleton<ReleaseDiff>().AddSingleton<RunMoments>().AddSingleton<AuditBundle>().AddSingleton<RunForker>();
        services.AddSingleton<RunSettingsTable>().AddSingleton<BudgetBook>().AddSingleton<RateLimits>().AddSingleton<EndpointTroubles>().AddSingleton<ShardCalls>().AddSingleton<RemoteShards>();
        services.AddSingleton<Func<EndpointSettings, IChatEndpoint>>(_ => s => new OpenAiEndpoint(s)).AddSingleton<EndpointPool>();
        services.AddSingleton<ApiGenerationActivities>().AddSingleton<ApiRatingActivities>();
        services.AddSingleton<ReleaseReader>().AddSingleton<ReleaseExporter>();
        services.AddSingleton<DataSheetReader>().AddSingleton<DataSheetWriter>().AddSingleton<RejectionReader>().AddSingleton<ClusterMapReader>();
        services.AddSingleton<RunActivities>().AddSingleton<CorpusActivities>().AddSingleton<SelectionActivities>().AddSingleton<ReleaseActivities>();
        services.AddSingleton<TrainingActivities>().AddSingleton<GenerationActivities>().AddSingleton<RatingActivities>();
        services.AddSingleton<ModelReader>().AddSingleton<TrainingStarter>().AddSingleton<TrainingPublisher>().AddSingleton<MergeRecorder>().AddSingleton<TuningActivities>();
        services.AddSingleton<InstructionModels>().AddSingleton(JobKinds.Standard).AddSingleton<JobStore>().AddSingleton<JobReplies>().AddSingleton<Rerating.SecondRatings>().AddSingleton<JobPublisher>().AddSingleton<JobActivities>();
        services.AddSingleton<ChainStarter>().AddSingleton<ChainActivities>();
        services.AddSingleton<EmbeddingActivities>().AddSingleton<ClusteringActivities>().AddSingleton<EvaluationActivities>();
        return services;
    }

    /// <summary>Creates schemas and tables that are missing.</summary>
    public static async Task PrepareStoreAsync(this IServiceProvider services, CancellationToken ct)
    {
        // One process at a time, until all is committed: 'create … if not exists' fails when two do it at once. The lock ends with this transaction.
        await using var connection = await services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(ct);
        await using var turn = await connection.BeginTransactionAsync(ct);
        await using (var wait = new NpgsqlCommand("select pg_advisory_xact_lock(7270000)", connection, turn)) await wait.ExecuteNonQueryAsync(ct);
        await services.GetRequiredService<IDocumentStore>().Storage.ApplyAllConfiguredChangesToDatabaseAsync();
        await services.GetRequiredService<Contents>().CreateTablesAsync(ct);
        await services.GetRequiredService<RunSettingsTable>().CreateTablesAsync(ct);
    }

    /// <summary>Activities of the xi-cpu queue.</summary>
    public static IEnumerable<object> CpuActivities(this IServiceProvider services) =>
    [
        services.GetRequiredService<RunActivities>(),
        services.GetRequiredService<CorpusActivities>(),
        services.GetRequiredService<SelectionActivities>(),
        services.GetRequiredService<ReleaseActivities>(),
        services.GetRequiredService<TrainingActivities>(),
        services.GetRequiredService<TuningActivities>(),
        services.GetRequiredService<JobActivities>(),
        services.GetRequiredService<ChainActivities>(),
    ];

    /// <summary>Activities of the xi-gpu queue.</summary>
    public static IEnumerable<object> GpuActivities(this IServiceProvider services) =>
    [
        services.GetRequiredService<TrainingActivities>(),
        services.GetRequiredService<TuningActivities>(),
        services.GetRequiredService<GenerationActivities>(),
        services.GetRequiredService<RatingActivities>(),
        services.GetRequiredService<EmbeddingActivities>(),
        services.GetRequiredService<ClusteringActivities>(),
        services.GetRequiredService<EvaluationActivities>(),
        services.GetRequiredService<JobActivities>(),
    ];

    /// <summary>Activities of the xi-api queue: the same as on xi-gpu, by other means.</summary>
    public static IEnumerable<object> ApiActivities(this IServiceProvider services) =>
    [
        services.GetRequiredService<ApiGenerationActivities>(),
        services.GetRequiredService<ApiRatingActivities>(),
        services.GetRequiredService<JobActivities>(),
    ];
}
