using System.Text.Json;
using JasperFx.Events;
using Marten.Events.Aggregation;
using Marten.Events.Projections;

namespace Marten.Tests;

public sealed record Opened(string Name);

public sealed record Added(int Amount, string Label);

public sealed record Closed;

/// <summary>State of one account; <see cref="Seen"/> is the version that the projection saw on the last event.</summary>
public sealed record Account
{
    public Guid Id { get; init; }

    public string Name { get; init; } = "";

    public long Total { get; init; }

    public long Seen { get; init; }

    public string? By { get; init; }
}

/// <summary>A second view of the same streams.</summary>
public sealed record Activity
{
    public Guid Id { get; init; }

    public int Events { get; init; }
}

/// <summary>Sum over all streams for a label.</summary>
public sealed record Tally
{
    public string Id { get; init; } = "";

    public long Sum { get; init; }
}

public sealed class AccountProjection : SingleStreamProjection<Account, Guid>
{
    public override Account? Evolve(Account? snapshot, Guid id, IEvent e)
    {
        var next = e.Data switch
        {
            Opened opened => new Account { Id = id, Name = opened.Name },
            Added { Amount: -1 } => throw new InvalidOperationException("Minus one is refused."),
            Added added => (snapshot ?? new Account { Id = id }) with { Total = (snapshot?.Total ?? 0) + added.Amount },
            Closed => null,
            _ => snapshot,
        };
        return next is null ? null : next with { Seen = e.Version, By = e.GetHeader("by")?.ToString() };
    }
}

public sealed class ActivityProjection : SingleStreamProjection<Activity, Guid>
{
    public override Activity? Evolve(Activity? snapshot, Guid id, IEvent e) => new() { Id = id, Events = (snapshot?.Events ?? 0) + 1 };
}

public sealed class TallyProjection : MultiStreamProjection<Tally, string>
{
    public TallyProjection() => Identity<Added>(e => e.Label);

    public override Tally? Evolve(Tally? snapshot, string id, IEvent e) =>
        e.Data is Added added ? new Tally { Id = id, Sum = (snapshot?.Sum ?? 0) + added.Amount } : snapshot;
}

public enum Shelf
{
    Open,
    Locked,
}

/// <summary>A plain document.</summary>
public sealed record Book
{
    public Guid Id { get; set; }

    public string Title { get; init; } = "";

    public int Pages { get; init; }

    public int? Edition { get; init; }

    public double Price { get; init; }

    public bool Lent { get; init; }

    public Shelf Shelf { get; init; }

    public Guid Owner { get; init; }

    public DateTimeOffset Printed { get; init; }

    public Author? Author { get; init; }
}

public sealed record Author(string Name, int Born);

/// <summary>A document identified by text.</summary>
public sealed record Note(string Id, string Text);

/// <summary>A document identified by another member than Id.</summary>
public sealed record Word(string Spelling, int Count);

internal static class Json
{
    public static JsonSerializerOptions Options { get; } = new();
}
