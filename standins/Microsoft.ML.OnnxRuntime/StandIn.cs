// One of the sources takes this name for granted.
global using System.Reflection;

[assembly: AssemblyMetadata("XInstruct.StandIn", "Microsoft.ML.OnnxRuntime")]
