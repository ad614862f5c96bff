using System.Reflection;
using XInstruct.Domain.Jobs;
using XInstruct.Domain.Models;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Samples;
using XInstruct.Domain.Sources;

namespace XInstruct.Architecture.Tests;

public sealed class EventTests
{
    /// <summary>Marten's source generator seizes a method of such a name on any type of an assembly that refers to Marten.</summary>
    [Fact]
    public void Method_WithANameThatMartenSeizes_IsOnlyTheProjectionsOverride()
    {
        var evolving = new List<Type>();
        foreach (var assembly in Product.Assemblies.Where(a => a.GetReferencedAssemblies().Any(r => r.Name == "Marten")))
        {
            const BindingFlags Declared =
                BindingFlags.DeclaredOnly | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;
            foreach (var method in assembly.GetTypes().SelectMany(t => t.GetMethods(Declared)))
            {
                if (method.Name is not ("Evolve" or "EvolveAsync" or "Apply" or "Create" or "ShouldDelete")) continue;
                method.Name.ShouldBe("Evolve", $"{method.DeclaringType}.{method.Name}: Marten's source generator would seize it.");
                method.GetBaseDefinition().DeclaringType!.Namespace.ShouldNotBeNull().ShouldNotStartWith("XInstruct");
                evolving.Add(method.DeclaringType!.BaseType!.GetGenericArguments()[0]);
            }
        }

        evolving.ShouldBe([typeof(Sample), typeof(Source), typeof(Run), typeof(Model), typeof(Job), typeof(JobPart), typeof(JobReply)], ignoreOrder: true);
    }

    [Theory]
    [InlineData(typeof(Sample))]
    [InlineData(typeof(Source))]
    [InlineData(typeof(Run))]
    [InlineData(typeof(Model))]
    [InlineData(typeof(Job))]
    [InlineData(typeof(JobPart))]
    [InlineData(typeof(JobReply))]
    public void Fold_Aggregate_IsAStaticFunctionOfStateAndEvent(Type aggregate)
    {
        var fold = aggregate.GetMethod("Fold", BindingFlags.Public | BindingFlags.Static).ShouldNotBeNull();
        fold.ReturnType.ShouldBe(aggregate);
        fold.GetParameters().Select(p => p.ParameterType).ShouldBe([aggregate, typeof(object)]);
    }

    [Fact]
    public void Fold_UnknownEvent_ChangesNothing()
    {
        var unknown = new object();
        Sample.Fold(null, unknown).ShouldBeNull();
        Source.Fold(null, unknown).ShouldBeNull();
        Run.Fold(null, unknown).ShouldBeNull();
        Model.Fold(null, unknown).ShouldBeNull();
        var run = new Run { Name = "r" };
        Run.Fold(run, unknown).ShouldBeSameAs(run);
        var sample = new Sample { Language = "sw" };
        Sample.Fold(sample, unknown).ShouldBeSameAs(sample);
    }

    /// <summary>The stored form of an enum is a setting of the serializer; an event is permanent.</summary>
    [Fact]
    public void Event_Members_HoldNoEnumHoweverDeep()
    {
        var seen = new HashSet<Type>();
        foreach (var type in EventTypes.Names.Keys) Visit(type, type.Name);

        void Visit(Type type, string path)
        {
            type.IsEnum.ShouldBeFalse($"{path} is a {type.Name}, an enum.");
            foreach (var argument in type.GetGenericArguments()) Visit(argument, path);
            if (type.GetElementType() is { } element) Visit(element, path);
            if (type.Assembly != typeof(EventTypes).Assembly || !seen.Add(type)) return;
            foreach (var property in type.GetProperties()) Visit(property.PropertyType, $"{path}.{property.Name}");
        }

        seen.Count.ShouldBeGreaterThan(EventTypes.Names.Count);
    }

    /// <summary>A record without a stored name could never be appended, and one that is no event has no business beside them.</summary>
    [Fact]
    public void Event_EachName_IsTheTypesInSnakeCaseAndUnique()
    {
        EventTypes.Names.Values.ShouldBeUnique();
        foreach (var (type, name) in EventTypes.Names)
        {
            name.ShouldBe(string.Concat(type.Name.Select((c, i) => char.IsUpper(c) ? (i == 0 ? "" : "_") + char.ToLowerInvariant(c) : $"{c}")));
        }
    }
}
