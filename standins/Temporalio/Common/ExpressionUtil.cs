using System.Linq.Expressions;
using System.Reflection;

namespace Temporalio.Common;

/// <summary>Takes a lambda that is one call apart: which method, with which arguments.</summary>
internal static class ExpressionUtil
{
    public static (MethodInfo Method, IReadOnlyCollection<object?> Args) ExtractCall(
        LambdaExpression expression, bool errorSaysPropertyAccepted = false)
    {
        if (expression.Body is not MethodCallExpression call)
        {
            throw new ArgumentException(errorSaysPropertyAccepted
                ? "Expression must be a single method call or property access"
                : "Expression must be a single method call");
        }
        if (call.Object == null && expression.Parameters.Count > 0)
        {
            throw new ArgumentException("Static call expression must not have a lambda parameter");
        }
        var method = call.Method;
        if (call.Object != null)
        {
            if (expression.Parameters.Count != 1 || call.Object != expression.Parameters[0])
            {
                throw new ArgumentException("Instance call expression must have a single lambda parameter used for the call");
            }
            method = MostSpecific(method, call.Object.Type);
        }
        return (method, call.Arguments.Select(Evaluate).ToArray());
    }

    public static MemberInfo? ExtractMemberAccess(LambdaExpression expression) => (expression.Body as MemberExpression)?.Member;

    // The compiler names the declaring type's method; attributes are looked up on the type the lambda named.
    private static MethodInfo MostSpecific(MethodInfo method, Type type)
    {
        if (method.ReflectedType == type)
        {
            return method;
        }
        var parameters = method.GetParameters().Select(p => p.ParameterType).ToArray();
        return type.GetMethod(method.Name, BindingFlags.Public | BindingFlags.Instance, null, parameters, null) ??
            throw new ArgumentException($"{type} has no public method {method.Name}");
    }

    private static object? Evaluate(Expression argument) => argument switch
    {
        ConstantExpression constant => constant.Value,
        MemberExpression { Expression: ConstantExpression owner, Member: FieldInfo field } => field.GetValue(owner.Value),
        _ => Expression.Lambda<Func<object?>>(Expression.Convert(argument, typeof(object))).Compile(preferInterpretation: true)(),
    };
}
