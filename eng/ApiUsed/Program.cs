using XInstruct.ApiUsed;

// list [--check] assemblies...: writes the list, or compares it with what the assemblies use.
if (args.Length < 2) return 2;
var check = args[1] == "--check";
var used = PackageApi.Read(args[(check ? 2 : 1)..]);
if (!check)
{
    File.WriteAllLines(args[0], used);
    return 0;
}

var listed = File.Exists(args[0]) ? File.ReadAllLines(args[0]) : [];
foreach (var line in listed.Except(used, StringComparer.Ordinal)) Console.WriteLine($"- {line}");
foreach (var line in used.Except(listed, StringComparer.Ordinal)) Console.WriteLine($"+ {line}");
return used.SequenceEqual(listed, StringComparer.Ordinal) ? 0 : 1;
