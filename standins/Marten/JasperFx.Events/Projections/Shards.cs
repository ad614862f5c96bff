namespace JasperFx.Events.Projections;

/// <summary>Name of a running projection; its identity is the row of the progression table.</summary>
public class ShardName
{
    public const string All = "All";

    public ShardName(string name, string shardKey, uint version)
    {
        (Name, ShardKey, Version) = (name, shardKey, version);
        Identity = name == ShardState.HighWaterMark ? name : version > 1 ? $"{name}:V{version}:{shardKey}" : $"{name}:{shardKey}";
    }

    public ShardName(string name)
        : this(name, All, 1)
    {
    }

    public string Name { get; }

    public string ShardKey { get; }

    public uint Version { get; }

    public string Identity { get; }

    public override string ToString() => Identity;

    public override bool Equals(object? obj) => obj is ShardName other && other.Identity == Identity;

    public override int GetHashCode() => Identity.GetHashCode(StringComparison.Ordinal);
}

/// <summary>How far a shard is.</summary>
public class ShardState
{
    public const string HighWaterMark = "HighWaterMark";
    public const string AllProjections = "AllProjections";

    public ShardState(string shardName, long sequence) => (ShardName, Sequence, Timestamp) = (shardName, sequence, DateTimeOffset.UtcNow);

    public ShardState(ShardName shardName, long sequence)
        : this(shardName.Identity, sequence)
    {
    }

    public DateTimeOffset Timestamp { get; }

    public string ShardName { get; }

    public long Sequence { get; }
}
