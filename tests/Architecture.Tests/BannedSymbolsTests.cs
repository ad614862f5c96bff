using System.Diagnostics;
using System.Reflection;
using System.Security.Cryptography;
using XInstruct.Tests;

namespace XInstruct.Architecture.Tests;

/// <summary>
/// The analyzer (RS0030) stays silent about an overload that its list does not name and about a line that names nothing, so both are
/// looked up here.
/// </summary>
public sealed class BannedSymbolsTests
{
    private static readonly string[] Listed = [.. File.ReadAllLines(Path.Combine(SharedData.Root, "eng/BannedSymbols.Workflows.txt"))
        .Where(l => l.Length > 0).Select(l => l.Split(';')[0])];

    private static readonly Type[] Types =
    [
        typeof(Environment), typeof(File), typeof(FileInfo), typeof(FileStream), typeof(Directory), typeof(DirectoryInfo), typeof(Console),
        typeof(Process), typeof(Stopwatch), typeof(Thread), typeof(ThreadPool), typeof(Timer), typeof(PeriodicTimer), typeof(TimeProvider),
        typeof(Parallel), typeof(TaskFactory), typeof(TaskFactory<>), typeof(HttpClient), typeof(RandomNumberGenerator),
    ];

    private static readonly (Type Type, string[] Members)[] Members =
    [
        (typeof(DateTime), ["Now", "UtcNow", "Today"]),
        (typeof(DateTimeOffset), ["Now", "UtcNow"]),
        (typeof(Guid), ["NewGuid", "CreateVersion7"]),
        (typeof(Random), ["Shared", ".ctor"]),
        (typeof(Task), ["Run", "Delay", "WhenAny", "WhenAll", "WaitAll", "WaitAny", "Wait", "WaitAsync", "ConfigureAwait", "Factory"]),
        (typeof(Task<>), ["ConfigureAwait", "WaitAsync", "Factory"]),
        (typeof(CancellationTokenSource), ["CancelAfter"]),
    ];

    [Fact]
    public void List_EverySourceOfChance_IsBannedInEveryOverload()
    {
        var wanted = Types.Select(t => "T:" + t.FullName)
            .Concat(Members.SelectMany(m => m.Type.GetMembers().Where(x => x.DeclaringType == m.Type && m.Members.Contains(x.Name)).Select(Id)))
            .Concat(typeof(CancellationTokenSource).GetConstructors().Where(c => c.GetParameters().Length > 0).Select(Id));
        wanted.Except(Listed).Order(StringComparer.Ordinal).ShouldBeEmpty();
    }

    [Fact]
    public void List_EveryLine_NamesSomethingThatExists()
    {
        var owners = Types.Concat(Members.Select(m => m.Type)).ToArray();
        var existing = owners.Select(t => "T:" + t.FullName).Concat(owners.SelectMany(t => t.GetMembers()).Select(Id));
        Listed.Except(existing).ShouldBeEmpty();
    }

    [Fact]
    public void Project_Workflows_UsesTheList() =>
        File.ReadAllText(Path.Combine(SharedData.Root, "src/Workflows/Workflows.csproj")).ShouldContain("BannedSymbols.Workflows.txt");

    /// <summary>The documentation id, by which the list names a member.</summary>
    private static string Id(MemberInfo member)
    {
        var name = $"{member.DeclaringType!.FullName}.{member.Name.Replace('.', '#')}";
        if (member is not MethodBase method) return (member is PropertyInfo ? "P:" : "F:") + name;
        if (method.IsGenericMethod) name += $"``{method.GetGenericArguments().Length}";
        var parameters = method.GetParameters().Select(p => Name(p.ParameterType)).ToArray();
        return parameters.Length == 0 ? "M:" + name : $"M:{name}({string.Join(',', parameters)})";
    }

    private static string Name(Type type)
    {
        if (type.IsArray) return Name(type.GetElementType()!) + "[]";
        if (type.IsGenericParameter) return (type.DeclaringMethod is null ? "`" : "``") + type.GenericParameterPosition;
        if (!type.IsGenericType) return type.FullName!;
        var open = type.GetGenericTypeDefinition().FullName!;
        return $"{open[..open.IndexOf('`', StringComparison.Ordinal)]}{{{string.Join(',', type.GetGenericArguments().Select(Name))}}}";
    }
}
