using System.Reflection;
using System.Runtime.ExceptionServices;

namespace Temporalio.Activities;

/// <summary>An activity: its name and how to call it.</summary>
public class ActivityDefinition
{
    private readonly Func<object?[], object?> invoker;

    private ActivityDefinition(
        string name, Type returnType, IReadOnlyCollection<Type> parameterTypes, int required, Func<object?[], object?> invoker, MethodInfo? method)
    {
        if (required > parameterTypes.Count)
        {
            throw new ArgumentException($"Activity {name} has more required parameters than parameters", nameof(required));
        }
        if (parameterTypes.Any(t => t.IsByRef))
        {
            throw new ArgumentException($"Activity {name} has disallowed ref/out parameter");
        }
        (Name, ReturnType, ParameterTypes, RequiredParameterCount, this.invoker, MethodInfo) =
            (name, returnType, parameterTypes, required, invoker, method);
    }

    public string? Name { get; private init; }

    public Type ReturnType { get; private init; }

    public IReadOnlyCollection<Type> ParameterTypes { get; private init; }

    public int RequiredParameterCount { get; private init; }

    public bool Dynamic => Name == null;

    public MethodInfo? MethodInfo { get; private init; }

    public static ActivityDefinition Create(Delegate del) => Create(del.Method, del.DynamicInvoke);

    public static ActivityDefinition Create(
        string? name, Type returnType, IReadOnlyCollection<Type> parameterTypes, int requiredParameterCount, Func<object?[], object?> invoker) =>
        new(name ?? throw new NotSupportedException("Dynamic activities are not supported."),
            returnType, parameterTypes, requiredParameterCount, invoker, null);

    public static ActivityDefinition Create(MethodInfo method, Func<object?[], object?> invoker) =>
        CreateWithoutAttribute(NameFromMethodForCall(method), method, invoker);

    public static ActivityDefinition CreateWithoutAttribute(string? name, MethodInfo method, Func<object?[], object?> invoker)
    {
        if (method.ContainsGenericParameters)
        {
            throw new ArgumentException($"{method} contains generic parameters");
        }
        var parameters = method.GetParameters();
        return new(
            name ?? throw new NotSupportedException("Dynamic activities are not supported."),
            method.ReturnType,
            parameters.Select(p => p.ParameterType).ToArray(),
            parameters.Count(p => !p.HasDefaultValue),
            given => invoker([.. given, .. parameters.Skip(given.Length).Select(p => p.DefaultValue)]),
            method);
    }

    public static IReadOnlyCollection<ActivityDefinition> CreateAll<T>(T? instance) => CreateAll(typeof(T), instance);

    public static IReadOnlyCollection<ActivityDefinition> CreateAll(Type type, object? instance)
    {
        const BindingFlags any = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance;
        var definitions = new List<ActivityDefinition>();
        foreach (var method in type.GetMethods(any).Where(m => m.IsDefined(typeof(ActivityAttribute), true)))
        {
            if (!method.IsStatic && instance == null)
            {
                throw new InvalidOperationException($"Instance not provided, but activity method {method} is non-static");
            }
            definitions.Add(Create(method, arguments => method.Invoke(instance, arguments)));
        }
        return definitions.Count > 0 ? definitions : throw new ArgumentException($"No activities found on {type}", nameof(type));
    }

    /// <summary>Calls it; the result of a task, or of nothing an empty tuple.</summary>
    public async Task<object?> InvokeAsync(object?[] parameters)
    {
        object? result;
        try
        {
            result = invoker(parameters);
        }
        catch (TargetInvocationException e) when (e.InnerException != null)
        {
            ExceptionDispatchInfo.Capture(e.InnerException).Throw();
            throw;
        }
        if (result is not Task task)
        {
            return result;
        }
        await task.ConfigureAwait(false);
        return ReturnType.IsGenericType ? ReturnType.GetProperty("Result")!.GetValue(task) : ValueTuple.Create();
    }

    internal static string NameFromMethodForCall(MethodInfo method)
    {
        var attribute = method.GetCustomAttribute<ActivityAttribute>(false) ?? throw new ArgumentException($"{method} missing Activity attribute");
        if (attribute.Name is { } given)
        {
            return given;
        }
        var name = method.Name;
        // A local function is called <Outer>g__Name|1_0 by the compiler.
        var local = name.IndexOf(">g__", StringComparison.Ordinal);
        if (local > 0)
        {
            name = name[(local + 4)..name.IndexOf('|')];
        }
        if (name.Contains('<'))
        {
            throw new ArgumentException($"{method} appears to be a lambda which must have a name given on the attribute");
        }
        return typeof(Task).IsAssignableFrom(method.ReturnType) ? Workflows.Handlers.WithoutAsync(name) : name;
    }
}
