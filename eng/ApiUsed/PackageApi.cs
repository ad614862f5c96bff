using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace XInstruct.ApiUsed;

/// <summary>
/// What an assembly takes from the packages that a stand-in may replace: their types, the members it calls and those it overrides, one
/// line each. Constants and enum values are copied into the caller by the compiler and so are not seen here.
/// </summary>
public static class PackageApi
{
    private static readonly SignatureText Text = new();

    /// <summary>The lines of all <paramref name="assemblies"/> (paths), sorted, each once.</summary>
    /// <exception cref="BadImageFormatException">A file is not a managed assembly.</exception>
    public static IReadOnlyList<string> Read(IEnumerable<string> assemblies)
    {
        var lines = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var path in assemblies)
        {
            using var file = new PEReader(File.OpenRead(path));
            var reader = file.GetMetadataReader();
            foreach (var handle in reader.TypeReferences)
            {
                if (Owner(reader, handle) is { } type) lines.Add($"{type} (type)");
            }

            foreach (var handle in reader.MemberReferences)
            {
                if (Member(reader, reader.GetMemberReference(handle)) is { } line) lines.Add(line);
            }

            foreach (var handle in reader.TypeDefinitions) lines.UnionWith(Overrides(reader, reader.GetTypeDefinition(handle)));
        }

        return [.. lines];
    }

    /// <summary>The package that brings an assembly; null when no stand-in may replace it.</summary>
    private static string? Package(string assembly) => assembly switch
    {
        "Temporalio" or "Marten" or "TorchSharp" or "Microsoft.ML.Tokenizers" or "Microsoft.ML.OnnxRuntime" => assembly,
        "JasperFx" or "JasperFx.Events" or "Weasel.Core" or "Weasel.Postgresql" => "Marten",
        _ => null,
    };

    private static string? Member(MetadataReader reader, MemberReference member)
    {
        if (Owner(reader, member.Parent) is not { } type) return null;
        var name = reader.GetString(member.Name);
        return member.GetKind() == MemberReferenceKind.Field
            ? $"{type}.{name} : {member.DecodeFieldSignature(Text, null)}"
            : type + Method(name, member.DecodeMethodSignature(Text, null));
    }

    private static IEnumerable<string> Overrides(MetadataReader reader, TypeDefinition type)
    {
        // The nearest base type that is not ours declares what is overridden, or inherits it.
        var ancestor = type.BaseType;
        while (ancestor is { IsNil: false, Kind: HandleKind.TypeDefinition }) ancestor = reader.GetTypeDefinition((TypeDefinitionHandle)ancestor).BaseType;
        if (ancestor.IsNil || Owner(reader, ancestor) is not { } owner) yield break;
        foreach (var handle in type.GetMethods())
        {
            var method = reader.GetMethodDefinition(handle);
            var name = reader.GetString(method.Name);
            var slot = method.Attributes & (MethodAttributes.Virtual | MethodAttributes.VtableLayoutMask);
            if (slot == MethodAttributes.Virtual && name is not ("ToString" or "Equals" or "GetHashCode"))
            {
                yield return $"{owner}{Method(name, method.DecodeSignature(Text, null))} (override)";
            }
        }
    }

    private static string Method(string name, MethodSignature<string> signature)
    {
        var arity = signature.GenericParameterCount == 0
            ? ""
            : $"<{string.Join(", ", Enumerable.Range(0, signature.GenericParameterCount).Select(i => $"M{i}"))}>";
        var call = $"{arity}({string.Join(", ", signature.ParameterTypes)})";
        return name == ".ctor" ? call : $".{name}{call} : {signature.ReturnType}";
    }

    /// <summary>"Package: Namespace.Type" of a type, or of the open form of a constructed one; null when no package of ours has it.</summary>
    private static string? Owner(MetadataReader reader, EntityHandle handle)
    {
        switch (handle.Kind)
        {
            case HandleKind.TypeReference:
                var type = reader.GetTypeReference((TypeReferenceHandle)handle);
                var name = reader.GetString(type.Name);
                return type.ResolutionScope.Kind switch
                {
                    HandleKind.TypeReference => Owner(reader, type.ResolutionScope) is { } outer ? $"{outer}.{name}" : null,
                    HandleKind.AssemblyReference => Package(
                        reader.GetString(reader.GetAssemblyReference((AssemblyReferenceHandle)type.ResolutionScope).Name)) is { } package
                            ? $"{package}: {reader.GetString(type.Namespace)}.{name}"
                            : null,
                    _ => null,
                };
            case HandleKind.TypeSpecification:
                // ELEMENT_TYPE_GENERICINST, CLASS or VALUETYPE, then the open type (ECMA-335 II.23.2.14).
                var blob = reader.GetBlobReader(reader.GetTypeSpecification((TypeSpecificationHandle)handle).Signature);
                if (blob.ReadSignatureTypeCode() != SignatureTypeCode.GenericTypeInstance) return null;
                blob.ReadCompressedInteger();
                return Owner(reader, blob.ReadTypeHandle());
            default:
                return null;
        }
    }
}
