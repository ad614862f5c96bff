using System.Text;

namespace Marten.Storage;

/// <summary>Names of tables, indexes and stored types.</summary>
internal static class Naming
{
    /// <summary>PascalCase as snake_case: a break before each character that is no small letter and follows or precedes one.</summary>
    public static string Snake(string name)
    {
        var result = new StringBuilder(name.Length + 8);
        for (var i = 0; i < name.Length; i++)
        {
            var after = i > 0 && !char.IsLower(name[i]) && char.IsLower(name[i - 1]);
            var before = i > 0 && i + 1 < name.Length && !char.IsLower(name[i]) && !char.IsLower(name[i - 1]) && char.IsLower(name[i + 1]);
            if (after || before) result.Append('_');
            result.Append(char.ToLowerInvariant(name[i]));
        }

        return result.ToString();
    }

    public static string DotNet(Type type) => $"{type.FullName}, {type.Assembly.GetName().Name}";
}
