using System.Reflection;

[assembly: AssemblyMetadata("XInstruct.StandIn", "TorchSharp")]
