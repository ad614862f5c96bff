using System.Reflection;
using Temporalio.Converters;

namespace Temporalio.Workflows;

/// <summary>A signal's handler.</summary>
public class WorkflowSignalDefinition
{
    private WorkflowSignalDefinition(string? name, string? description, MethodInfo method, Delegate? target, HandlerUnfinishedPolicy policy) =>
        (Name, Description, Method, Delegate, UnfinishedPolicy) = (name, description, method, target, policy);

    public string? Name { get; private init; }

    public string? Description { get; private init; }

    public bool Dynamic => Name == null;

    internal MethodInfo Method { get; }

    internal Delegate? Delegate { get; }

    internal HandlerUnfinishedPolicy UnfinishedPolicy { get; }

    public static WorkflowSignalDefinition FromMethod(MethodInfo method)
    {
        var attribute = method.GetCustomAttribute<WorkflowSignalAttribute>(false) ??
            throw new ArgumentException($"{method} missing WorkflowSignal attribute");
        Handlers.CheckMethod(method, "WorkflowSignal");
        Check(method, attribute.Dynamic);
        return new(
            attribute.Dynamic ? null : attribute.Name ?? Handlers.WithoutAsync(method.Name),
            attribute.Description, method, null, attribute.UnfinishedPolicy);
    }

    public static WorkflowSignalDefinition CreateWithoutAttribute(
        string? name,
        Delegate del,
        HandlerUnfinishedPolicy unfinishedPolicy = HandlerUnfinishedPolicy.WarnAndAbandon,
        string? description = null)
    {
        Check(del.Method, name == null);
        return new(name, description, del.Method, del, unfinishedPolicy);
    }

    internal static string NameFromMethodForCall(MethodInfo method) => FromMethod(method).Name ??
        throw new ArgumentException($"{method} cannot be used directly since it is a dynamic signal");

    private static void Check(MethodInfo method, bool dynamic)
    {
        if (method.ReturnType != typeof(Task))
        {
            throw new ArgumentException($"WorkflowSignal method {method} must return Task");
        }
        if (dynamic && !method.GetParameters().Select(p => p.ParameterType).SequenceEqual([typeof(string), typeof(IRawValue[])]))
        {
            throw new ArgumentException($"WorkflowSignal method {method} must accept string and an array of IRawValue");
        }
    }
}

/// <summary>A query's handler.</summary>
public class WorkflowQueryDefinition
{
    private WorkflowQueryDefinition(string name, string? description, MethodInfo method, Delegate? target) =>
        (Name, Description, Method, Delegate) = (name, description, method, target);

    public string? Name { get; private init; }

    public string? Description { get; private init; }

    internal MethodInfo Method { get; }

    internal Delegate? Delegate { get; }

    public static WorkflowQueryDefinition FromMethod(MethodInfo method)
    {
        var attribute = method.GetCustomAttribute<WorkflowQueryAttribute>(false) ??
            throw new ArgumentException($"{method} missing WorkflowQuery attribute");
        Handlers.CheckMethod(method, "WorkflowQuery");
        Check(method);
        return new(attribute.Name ?? method.Name, attribute.Description, method, null);
    }

    public static WorkflowQueryDefinition FromProperty(PropertyInfo property)
    {
        var attribute = property.GetCustomAttribute<WorkflowQueryAttribute>(false) ??
            throw new ArgumentException($"{property} missing WorkflowQuery attribute");
        var getter = property.GetGetMethod() ??
            throw new ArgumentException($"WorkflowQuery property {property} must have public getter");
        return new(attribute.Name ?? property.Name, attribute.Description, getter, null);
    }

    public static WorkflowQueryDefinition CreateWithoutAttribute(string name, Delegate del, string? description = null)
    {
        Check(del.Method);
        return new(name, description, del.Method, del);
    }

    internal static string NameFromMethodForCall(MethodInfo method) => FromMethod(method).Name!;

    internal static string NameFromPropertyForCall(PropertyInfo property) => FromProperty(property).Name!;

    private static void Check(MethodInfo method)
    {
        if (method.ReturnType == typeof(void))
        {
            throw new ArgumentException($"WorkflowQuery method {method} must return a value");
        }
        if (typeof(Task).IsAssignableFrom(method.ReturnType))
        {
            throw new ArgumentException($"WorkflowQuery method {method} cannot return a Task");
        }
    }
}

/// <summary>An update's handler.</summary>
public class WorkflowUpdateDefinition
{
    private WorkflowUpdateDefinition(
        string name, string? description, MethodInfo method, MethodInfo? validator, Delegate? target, Delegate? validatorTarget,
        HandlerUnfinishedPolicy policy) =>
        (Name, Description, Method, ValidatorMethod, Delegate, ValidatorDelegate, UnfinishedPolicy) =
            (name, description, method, validator, target, validatorTarget, policy);

    public string? Name { get; private init; }

    public string? Description { get; private init; }

    internal MethodInfo Method { get; }

    internal MethodInfo? ValidatorMethod { get; }

    internal Delegate? Delegate { get; }

    internal Delegate? ValidatorDelegate { get; }

    internal HandlerUnfinishedPolicy UnfinishedPolicy { get; }

    public static WorkflowUpdateDefinition FromMethod(MethodInfo method, MethodInfo? validatorMethod = null)
    {
        var attribute = method.GetCustomAttribute<WorkflowUpdateAttribute>(false) ??
            throw new ArgumentException($"{method} missing WorkflowUpdate attribute");
        Handlers.CheckMethod(method, "WorkflowUpdate");
        Check(method, validatorMethod);
        return new(
            attribute.Name ?? Handlers.WithoutAsync(method.Name), attribute.Description, method, validatorMethod, null, null,
            attribute.UnfinishedPolicy);
    }

    public static WorkflowUpdateDefinition CreateWithoutAttribute(
        string name,
        Delegate del,
        Delegate? validatorDel = null,
        HandlerUnfinishedPolicy unfinishedPolicy = HandlerUnfinishedPolicy.WarnAndAbandon,
        string? description = null)
    {
        Check(del.Method, validatorDel?.Method);
        return new(name, description, del.Method, validatorDel?.Method, del, validatorDel, unfinishedPolicy);
    }

    internal static string NameFromMethodForCall(MethodInfo method) => FromMethod(method).Name!;

    private static void Check(MethodInfo method, MethodInfo? validator)
    {
        if (!typeof(Task).IsAssignableFrom(method.ReturnType))
        {
            throw new ArgumentException($"WorkflowUpdate method {method} must return Task or Task<T>");
        }
        if (validator == null)
        {
            return;
        }
        if (!validator.IsPublic && validator.DeclaringType?.IsDefined(typeof(WorkflowAttribute), false) == true)
        {
            throw new ArgumentException($"WorkflowUpdateValidator method {validator} must be public");
        }
        if (validator.ReturnType != typeof(void))
        {
            throw new ArgumentException($"WorkflowUpdateValidator method {validator} must be void");
        }
        if (!validator.GetParameters().Select(p => p.ParameterType).SequenceEqual(method.GetParameters().Select(p => p.ParameterType)))
        {
            throw new ArgumentException($"WorkflowUpdateValidator method {validator} must have the same parameters as {method}");
        }
    }
}

internal static class Handlers
{
    public static string WithoutAsync(string name) =>
        name.Length > 5 && name.EndsWith("Async", StringComparison.Ordinal) ? name[..^5] : name;

    public static void CheckMethod(MethodInfo method, string what)
    {
        if (!method.IsPublic)
        {
            throw new ArgumentException($"{what} method {method} must be public");
        }
        if (method.IsStatic)
        {
            throw new ArgumentException($"{what} method {method} cannot be static");
        }
    }
}
