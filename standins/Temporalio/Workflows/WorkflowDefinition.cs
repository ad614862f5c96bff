using System.Collections.Concurrent;
using System.Reflection;

namespace Temporalio.Workflows;

/// <summary>A workflow's type, taken apart and checked.</summary>
public class WorkflowDefinition
{
    private const BindingFlags Any = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    private static readonly ConcurrentDictionary<Type, WorkflowDefinition> Known = new();

    private readonly Func<object?[], object>? creator;

    private WorkflowDefinition(
        string name,
        Type type,
        MethodInfo run,
        Func<object?[], object>? creator,
        ConstructorInfo? init,
        IReadOnlyDictionary<string, WorkflowSignalDefinition> signals,
        WorkflowSignalDefinition? dynamicSignal,
        IReadOnlyDictionary<string, WorkflowQueryDefinition> queries,
        IReadOnlyDictionary<string, WorkflowUpdateDefinition> updates,
        Type[]? failureExceptionTypes)
    {
        Name = name;
        Type = type;
        RunMethod = run;
        this.creator = creator;
        HasInit = init != null;
        Signals = signals;
        DynamicSignal = dynamicSignal;
        Queries = queries;
        Updates = updates;
        FailureExceptionTypes = failureExceptionTypes;
    }

    public string? Name { get; private init; }

    public Type Type { get; private init; }

    public MethodInfo RunMethod { get; private init; }

    public bool Instantiable => creator != null;

    public IReadOnlyDictionary<string, WorkflowSignalDefinition> Signals { get; private init; }

    public WorkflowSignalDefinition? DynamicSignal { get; private init; }

    public IReadOnlyDictionary<string, WorkflowQueryDefinition> Queries { get; private init; }

    public IReadOnlyDictionary<string, WorkflowUpdateDefinition> Updates { get; private init; }

    public bool Dynamic => Name == null;

    public Type[]? FailureExceptionTypes { get; private init; }

    internal bool HasInit { get; }

    public static WorkflowDefinition Create<T>() => Create(typeof(T));

    public static WorkflowDefinition Create(Type type) => Known.GetOrAdd(type, t => Create(t, null, null));

    public static WorkflowDefinition Create(Type type, string? nameOverride, Func<object?[], object>? creatorOverride)
    {
        var attribute = type.GetCustomAttribute<WorkflowAttribute>(false) ?? throw new ArgumentException($"{type} missing Workflow attribute");
        var errors = new List<string>();
        if (type.GenericTypeArguments.Length > 0)
        {
            errors.Add($"{type} has generic type arguments");
        }
        var init = Init(type, errors);
        var run = Run(type, init, errors);
        var signals = new Dictionary<string, WorkflowSignalDefinition>();
        WorkflowSignalDefinition? dynamicSignal = null;
        foreach (var signal in Each<WorkflowSignalAttribute, WorkflowSignalDefinition>(type, WorkflowSignalDefinition.FromMethod, errors))
        {
            if (signal.Name is not { } signalName)
            {
                dynamicSignal = signal;
            }
            else if (!signals.TryAdd(signalName, signal))
            {
                errors.Add($"{type} has more than one signal named {signal.Name}");
            }
        }
        var queries = new Dictionary<string, WorkflowQueryDefinition>();
        var found = Each<WorkflowQueryAttribute, WorkflowQueryDefinition>(type, WorkflowQueryDefinition.FromMethod, errors)
            .Concat(type.GetProperties(Any).Where(p => p.IsDefined(typeof(WorkflowQueryAttribute), false))
                .Select(p => Try(() => WorkflowQueryDefinition.FromProperty(p), errors)).OfType<WorkflowQueryDefinition>());
        foreach (var query in found.Where(q => !queries.TryAdd(q.Name!, q)))
        {
            errors.Add($"{type} has more than one query named {query.Name}");
        }
        var updates = FindUpdates(type, errors);
        if (errors.Count > 0)
        {
            throw new ArgumentException($"{type} is not a valid workflow: {string.Join("; ", errors)}");
        }
        return new(
            nameOverride ?? attribute.Name ?? DefaultName(type), type, run!, Creator(type, init, creatorOverride), init, signals, dynamicSignal,
            queries, updates, attribute.FailureExceptionTypes);
    }

    public object CreateWorkflowInstance(object?[] workflowArguments) =>
        (creator ?? throw new InvalidOperationException($"Cannot instantiate workflow type {Type}"))(workflowArguments);

    internal static string NameFromRunMethodForCall(MethodInfo runMethod)
    {
        if (!runMethod.IsDefined(typeof(WorkflowRunAttribute), false))
        {
            throw new ArgumentException($"{runMethod} missing WorkflowRun attribute");
        }
        var type = runMethod.ReflectedType!;
        var attribute = type.GetCustomAttribute<WorkflowAttribute>(false) ?? throw new ArgumentException($"{type} missing Workflow attribute");
        return attribute.Name ?? DefaultName(type);
    }

    private static string DefaultName(Type type) =>
        type.IsInterface && type.Name.Length > 1 && type.Name[0] == 'I' && char.IsUpper(type.Name[1]) ? type.Name[1..] : type.Name;

    private static Func<object?[], object>? Creator(Type type, ConstructorInfo? init, Func<object?[], object>? given)
    {
        if (init != null)
        {
            return given == null ? init.Invoke : throw new ArgumentException("Cannot set creator for workflow with WorkflowInit constructor");
        }
        var constructible = !type.IsInterface && (type.IsValueType || type.GetConstructors(Any).Any(c => !c.IsStatic && c.GetParameters().Length == 0));
        return given ?? (constructible ? _ => Activator.CreateInstance(type, nonPublic: true)! : null);
    }

    private static ConstructorInfo? Init(Type type, List<string> errors)
    {
        var marked = type.GetConstructors(Any).Where(c => c.IsDefined(typeof(WorkflowInitAttribute), false)).ToArray();
        if (marked.Length > 1)
        {
            errors.Add($"WorkflowInit on multiple: {string.Join<ConstructorInfo>(", ", marked)}");
        }
        if (marked.FirstOrDefault(c => !c.IsPublic) is { } hidden)
        {
            errors.Add($"WorkflowInit on non-public {hidden}");
        }
        return marked.FirstOrDefault();
    }

    private static MethodInfo? Run(Type type, ConstructorInfo? init, List<string> errors)
    {
        var marked = type.GetMethods(Any).Where(m => m.IsDefined(typeof(WorkflowRunAttribute), false)).ToArray();
        if (marked.Length != 1)
        {
            errors.Add(marked.Length == 0
                ? $"{type} does not have a valid WorkflowRun method"
                : $"WorkflowRun on multiple: {string.Join<MethodInfo>(", ", marked)}");
            return null;
        }
        var run = marked[0];
        if (run.DeclaringType != type)
        {
            errors.Add($"WorkflowRun on {run} must be declared on {type}, not inherited from {run.DeclaringType}");
        }
        if (!run.IsPublic || run.IsStatic || run.ContainsGenericParameters)
        {
            errors.Add($"WorkflowRun on {run} must be public, not static and not generic");
        }
        if (!typeof(Task).IsAssignableFrom(run.ReturnType))
        {
            errors.Add($"WorkflowRun method {run} must return an instance of Task");
        }
        if (init != null && !init.GetParameters().Select(p => p.ParameterType).SequenceEqual(run.GetParameters().Select(p => p.ParameterType)))
        {
            errors.Add($"WorkflowRun on {run} must match parameter types of WorkflowInit on {init}");
        }
        return run;
    }

    private static Dictionary<string, WorkflowUpdateDefinition> FindUpdates(Type type, List<string> errors)
    {
        var validators = new Dictionary<string, MethodInfo>();
        foreach (var method in type.GetMethods(Any))
        {
            if (method.GetCustomAttribute<WorkflowUpdateValidatorAttribute>() is { } marked && !validators.TryAdd(marked.UpdateMethod, method))
            {
                errors.Add($"{type} has more than one update validator for update method {marked.UpdateMethod}");
            }
        }
        var updates = new Dictionary<string, WorkflowUpdateDefinition>();
        var found = Each<WorkflowUpdateAttribute, WorkflowUpdateDefinition>(
            type,
            method => WorkflowUpdateDefinition.FromMethod(method, validators.Remove(method.Name, out var validator) ? validator : null),
            errors);
        foreach (var update in found.Where(u => !updates.TryAdd(u.Name!, u)))
        {
            errors.Add($"{type} has more than one update named {update.Name}");
        }
        errors.AddRange(validators.Select(p => $"Cannot find update method named {p.Key} for WorkflowUpdateValidator on {p.Value} method"));
        return updates;
    }

    private static List<TDefinition> Each<TAttribute, TDefinition>(Type type, Func<MethodInfo, TDefinition> create, List<string> errors)
        where TAttribute : Attribute
        where TDefinition : class => type.GetMethods(Any)
            .Where(m => m.IsDefined(typeof(TAttribute), false))
            .Select(m => Try(() => create(m), errors))
            .OfType<TDefinition>()
            .ToList();

    private static T? Try<T>(Func<T> create, List<string> errors)
        where T : class
    {
        try
        {
            return create();
        }
        catch (ArgumentException e)
        {
            errors.Add(e.Message);
            return null;
        }
    }
}
