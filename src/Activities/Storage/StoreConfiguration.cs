using JasperFx;
using JasperFx.Events.Projections;
using Marten;
using Weasel.Core;
using XInstruct.Domain.Jobs;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Samples;
using XInstruct.Domain.Sources;

namespace XInstruct.Activities.Storage;

/// <summary>How XInstruct uses Marten. One place, so that every process reads and writes the same bytes.</summary>
public static class StoreConfiguration
{
    /// <summary>Schema of events, documents and the contents table.</summary>
    public const string Schema = "xinstruct";

    /// <summary>Sets a store up.</summary>
    public static void Configure(StoreOptions options, string connectionString)
    {
        ConfigureEvents(options, connectionString);
        options.Projections.Add(new SampleProjection(), ProjectionLifecycle.Inline);
        options.Projections.Add(new SourceProjection(), ProjectionLifecycle.Inline);
        options.Projections.Add(new RunProjection(), ProjectionLifecycle.Inline);
        options.Projections.Add(new ModelProjection(), ProjectionLifecycle.Inline);
        options.Projections.Add(new JobProjection(), ProjectionLifecycle.Inline);
        options.Projections.Add(new JobPartProjection(), ProjectionLifecycle.Inline);
        options.Projections.Add(new JobReplyProjection(), ProjectionLifecycle.Inline);
        options.Schema.For<Sample>().Index(s => s.Run!);
        options.Schema.For<JobPart>().Index(p => p.Run!);
    }

    /// <summary>Sets a store up that has events and no documents.</summary>
    public static void ConfigureEvents(StoreOptions options, string connectionString)
    {
        options.Connection(connectionString);
        options.DatabaseSchemaName = Schema;
        options.AutoCreateSchemaObjects = AutoCreate.CreateOrUpdate;
        options.UseSystemTextJsonForSerialization(EventJson.Options, EnumStorage.AsString, Casing.CamelCase);
        options.Events.MetadataConfig.HeadersEnabled = true;
        options.Events.UseIdentityMapForAggregates = true;
        foreach (var (type, name) in EventTypes.Names) options.Events.MapEventType(type, name);
        options.Projections.Errors.SkipApplyErrors = false;
        options.Projections.Errors.SkipSerializationErrors = false;
        options.Projections.Errors.SkipUnknownEvents = false;
    }
}
